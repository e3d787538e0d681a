import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { readHostConfig } from '#host/config/read-host-config.js';
import { checkCertificates } from '#host/server/certificates/check-certificates.js';
import { uncoveredHosts } from '#host/server/certificates/uncovered-hosts.js';
import { makeCertificate } from '#test/support/certificates.js';
import { TemporaryFolder } from '#test/support/temporary-folder.js';

describe('certificates that are checked before a start', () => {
  let folder: TemporaryFolder;
  beforeEach(() => {
    folder = new TemporaryFolder();
  });
  afterEach(() => folder.remove());

  const check = (yaml: string) => {
    folder.write('', { 'host.yaml': yaml });
    return checkCertificates(readHostConfig({ base: folder.path, env: {} }).connectors);
  };

  it('tell of each connector what keeps it from starting, and what clients refuse', async () => {
    const day = 86_400_000;
    const over = { notBefore: new Date(Date.now() - 2 * day), notAfter: new Date(Date.now() - day) };
    for (const [name, made] of Object.entries({
      shop: makeCertificate({ names: ['shop.example'] }),
      old: makeCertificate({ names: ['old.example'], ...over }),
    })) {
      folder.write('', { [`${name}.pem`]: made.cert, [`${name}.key`]: made.key });
    }
    const checked = await check(`connectors:
  - { name: plain, port: 8080 }
  - name: good
    port: 8443
    tls: { certificates: [{ cert: shop.pem, key: shop.key, hosts: [shop.example, www.shop.example] }] }
  - name: old
    port: 8444
    tls: { certificates: [{ cert: old.pem, key: old.key }] }
  - name: broken
    port: 8445
    tls: { certificates: [{ cert: shop.pem, key: old.key }, { cert: absent.pem, key: shop.key }] }
  - name: acme
    port: 8446
    tls: { acme: { agreeTerms: true, hosts: [a.example], challenge: tls-alpn-01 }, default: a.example }
`);
    expect(checked).toEqual([
      {
        connector: 'good',
        hosts: ['shop.example', 'www.shop.example'],
        problems: [],
        notes: [
          expect.stringMatching(
            /host\.yaml:5:\d+: .*is shown for www\.shop\.example, and is for shop\.example\. /,
          ),
        ],
      },
      {
        connector: 'old',
        hosts: ['old.example'],
        problems: [],
        notes: [expect.stringMatching(/certificates\[0\]: The certificate has expired on \d{4}-/)],
      },
      {
        connector: 'broken',
        hosts: [],
        problems: [
          expect.stringMatching(/certificates\[0\]: The key does not belong/),
          expect.stringMatching(/certificates\[1\]: .*absent\.pem cannot be read: it is not there/),
        ],
        notes: [],
      },
      { connector: 'acme', hosts: [], problems: [], notes: [] },
    ]);
  });

  it('cover a name by itself or by a wildcard, and a wildcard by the same one only', () => {
    const names = ['shop.example', '*.blog.example'];
    const hosts = [
      'shop.example',
      'a.blog.example',
      '*.blog.example',
      'a.b.blog.example',
      '*.example',
      'x.example',
    ];
    expect(uncoveredHosts({ names, hosts })).toEqual(['a.b.blog.example', '*.example', 'x.example']);
  });
});
