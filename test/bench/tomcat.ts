import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { repositoryFolder } from '#test/support/paths.js';
import { freePort, stopped } from './alone.js';
import { temporaryFolder } from './host.js';
import type { Peer, PeerCertificate } from './peer.js';

/** Where Debian's package `tomcat10` puts it. */
const HOME = '/usr/share/tomcat10';
const START_DEADLINE_MS = 30_000;

/**
 * Tomcat 10.1 with a servlet, compiled here, that serves the lines of the group `connector`; with its access log, as
 * it is delivered. Undefined when Tomcat or a Java compiler is not installed.
 */
export async function startTomcat({ keyFile, certFile }: PeerCertificate): Promise<Peer | undefined> {
  if (!existsSync(`${HOME}/bin/catalina.sh`)) return undefined;
  if (spawnSync('javac', ['-version'], { stdio: 'ignore' }).error !== undefined) return undefined;
  const base = temporaryFolder();
  const classes = join(base, 'webapps/ROOT/WEB-INF/classes');
  for (const folder of ['conf', 'logs', 'temp', 'work', 'webapps/ROOT/WEB-INF/classes'])
    mkdirSync(join(base, folder), { recursive: true });
  const source = join(repositoryFolder, 'test/bench/subjects/tomcat/Lines.java');
  const compiled = spawnSync('javac', ['-cp', `${HOME}/lib/servlet-api.jar`, '-d', classes, source], {
    encoding: 'utf8',
  });
  if (compiled.status !== 0) throw new Error(`javac failed:\n${compiled.stderr}`);
  const [http, https] = [await freePort(), await freePort()];
  writeFileSync(join(base, 'webapps/ROOT/WEB-INF/web.xml'), WEB_XML);
  writeFileSync(
    join(base, 'conf/web.xml'),
    '<web-app xmlns="https://jakarta.ee/xml/ns/jakartaee" version="6.0"/>',
  );
  writeFileSync(join(base, 'conf/server.xml'), serverXml(http, https, keyFile, certFile));
  const child = spawn(`${HOME}/bin/catalina.sh`, ['run'], {
    env: { ...process.env, CATALINA_HOME: HOME, CATALINA_BASE: base },
    stdio: 'ignore',
  });
  const url = `http://127.0.0.1:${http}/`;
  await answers(url);
  const secure = `https://127.0.0.1:${https}/`;
  return { pid: child.pid ?? 0, http: url, https: secure, http2: secure, stop: () => stopped(child) };
}

async function answers(url: string): Promise<void> {
  const until = performance.now() + START_DEADLINE_MS;
  for (;;) {
    // Refused until it listens.
    const status = await fetch(url).then(
      (response) => response.text().then(() => response.status),
      () => 0,
    );
    if (status === 200) return;
    if (performance.now() > until) throw new Error(`Tomcat does not answer at ${url}: status ${status}`);
    await delay(200);
  }
}

const WEB_XML = `<web-app xmlns="https://jakarta.ee/xml/ns/jakartaee" version="6.0">
  <servlet><servlet-name>lines</servlet-name><servlet-class>Lines</servlet-class></servlet>
  <servlet-mapping><servlet-name>lines</servlet-name><url-pattern>/</url-pattern></servlet-mapping>
</web-app>`;

function serverXml(http: number, https: number, keyFile: string, certFile: string): string {
  const keepsAlive = 'maxKeepAliveRequests="-1" address="127.0.0.1" maxConnections="10000"';
  return `<Server port="-1">
  <Service name="Catalina">
    <Connector port="${http}" protocol="HTTP/1.1" maxPostSize="-1" ${keepsAlive}/>
    <Connector port="${https}" protocol="org.apache.coyote.http11.Http11NioProtocol" SSLEnabled="true" ${keepsAlive}>
      <UpgradeProtocol className="org.apache.coyote.http2.Http2Protocol" overheadCountFactor="0"/>
      <SSLHostConfig><Certificate certificateKeyFile="${keyFile}" certificateFile="${certFile}" type="EC"/></SSLHostConfig>
    </Connector>
    <Engine name="Catalina" defaultHost="localhost">
      <Host name="localhost" appBase="webapps" autoDeploy="false">
        <Valve className="org.apache.catalina.valves.AccessLogValve" directory="logs" pattern="combined"/>
      </Host>
    </Engine>
  </Service>
</Server>`;
}
