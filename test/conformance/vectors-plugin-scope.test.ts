import { describe, expect, it } from '@jest/globals';
import {
  type ApplicationCall,
  ApplicationCallPipeline,
  ApplicationReceivePipeline,
  ApplicationSendPipeline,
  createRouteScopedPlugin,
  PipelinePhase,
  type Route,
  routing,
} from 'portico';
import { testApplication } from 'portico/testing';
import { readVectors } from '#test/support/vectors.js';

interface Node {
  readonly path?: string;
  readonly method?: string;
  readonly install?: readonly { readonly config: Partial<Config> }[];
  readonly handle?: boolean;
  readonly routes?: readonly Node[];
}
interface ScopeCase {
  readonly name: string;
  readonly tree: Node & { readonly applicationInstall?: readonly { readonly config: Partial<Config> }[] };
  readonly pipeline?: 'call' | 'receive' | 'send' | 'customPhase';
  readonly request?: { readonly method: string; readonly path: string; readonly body?: string };
  readonly expect?: { readonly status: number; readonly callbacks: readonly string[] };
  readonly expectStartError?: string;
  readonly expectInstallCount?: number;
}
interface Config {
  name: string;
  desc: string;
}

const { cases } = readVectors<{ cases: readonly ScopeCase[] }>('plugin-scope');
const Own = new PipelinePhase('Own');

/** The plugin P of the vectors; it notes each request in one of the pipelines. */
function recorder(where: ScopeCase['pipeline']) {
  const records: string[] = [];
  let installs = 0;
  const plugin = createRouteScopedPlugin('P', {
    createConfig: (): Config => ({ name: 'defaultName', desc: 'defaultDesc' }),
    install({ pipeline, config }) {
      installs++;
      const note = () => void records.push(`${config.name} ${config.desc}`);
      if (where === 'receive') pipeline.receivePipeline.intercept(ApplicationReceivePipeline.Before, note);
      else if (where === 'send') pipeline.sendPipeline.intercept(ApplicationSendPipeline.Before, note);
      else if (where === 'customPhase') {
        pipeline.insertPhaseAfter(ApplicationCallPipeline.Plugins, Own);
        pipeline.intercept(Own, note);
      } else pipeline.intercept(ApplicationCallPipeline.Plugins, note);
    },
  });
  return { plugin, records, installs: () => installs };
}

function build(route: Route, node: Node, plugin: ReturnType<typeof recorder>['plugin']): void {
  let at = node.path === undefined ? route : (route.route(node.path) as unknown as Route);
  for (const { config } of node.install ?? []) at.install(plugin, (own) => void Object.assign(own, config));
  if (node.method !== undefined) at = at.method(node.method);
  if (node.handle === true)
    at.handle(async (call: ApplicationCall) => call.respondText(await call.receiveText()));
  for (const child of node.routes ?? []) build(at, child, plugin);
}

describe('plugin-scope', () => {
  it.each(cases)('$name', async (one) => {
    const { plugin, records, installs } = recorder(one.pipeline);
    const starting = testApplication((application) => {
      for (const { config } of one.tree.applicationInstall ?? [])
        application.install(plugin, (own) => void Object.assign(own, config));
      routing(application, (route) => build(route as unknown as Route, one.tree, plugin));
    });
    if (one.expectStartError !== undefined) {
      await expect(starting).rejects.toMatchObject({ code: 'PORTICO_DUPLICATE_PLUGIN' });
      return;
    }
    const application = await starting;
    try {
      if (one.expectInstallCount !== undefined) expect(installs()).toBe(one.expectInstallCount);
      if (one.request === undefined) return;
      const { method, path, body } = one.request;
      const response = await application.client.request(method, path, body === undefined ? {} : { body });
      expect([response.status, records]).toEqual([one.expect?.status, one.expect?.callbacks]);
    } finally {
      await application.stop();
    }
  });
});
