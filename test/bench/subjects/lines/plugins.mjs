// Twenty plugins of Portico, configured so that each does for every call what it does in production, and none refuses
// it. `tasks.mjs` does the same for the others.
import { AutoHeadResponse } from 'portico/plugins/auto-head-response';
import { BodyLimit } from 'portico/plugins/body-limit';
import { CachingHeaders } from 'portico/plugins/caching-headers';
import { CallId } from 'portico/plugins/call-id';
import { CallLogging } from 'portico/plugins/call-logging';
import { Compression } from 'portico/plugins/compression';
import { ConditionalHeaders } from 'portico/plugins/conditional-headers';
import { CORS } from 'portico/plugins/cors';
import { CSRF } from 'portico/plugins/csrf';
import { DefaultHeaders } from 'portico/plugins/default-headers';
import { ForwardedHeaders, XForwardedHeaders } from 'portico/plugins/forwarded-headers';
import { HSTS } from 'portico/plugins/hsts';
import { HttpsRedirect } from 'portico/plugins/https-redirect';
import { MethodOverride } from 'portico/plugins/method-override';
import { PrometheusMetrics } from 'portico/plugins/metrics';
import { PartialContent } from 'portico/plugins/partial-content';
import { RateLimit } from 'portico/plugins/rate-limit';
import { Sessions, sessionKey } from 'portico/plugins/sessions';
import { StatusPages } from 'portico/plugins/status-pages';

const drop = () => undefined;
/**
 * The log of the application: lines are made and thrown away, for what a disk does is not measured here. Like the logs of
 * the others here it tells no facts of calls, so none are kept at hand.
 */
export const log = { trace: drop, debug: drop, info: drop, warn: drop, error: drop };
/** As the log that applications have by default: each line can name the id of its call, which is kept at hand for it. */
export const factsLog = { ...log, tellsCallFacts: true };

export function installPlugins(application) {
  application.install(CallId, (config) => {
    config.header('X-Request-Id');
    config.generate({ length: 20 });
  });
  application.install(CallLogging);
  application.install(PrometheusMetrics, (config) => {
    config.collectDefaults = false;
  });
  application.install(ForwardedHeaders);
  application.install(XForwardedHeaders);
  application.install(MethodOverride);
  application.install(AutoHeadResponse);
  application.install(HttpsRedirect, (config) => config.excludePrefix('/'));
  application.install(HSTS, (config) => {
    config.filter = () => true;
  });
  application.install(CORS, (config) => config.allowHost('shop.example'));
  application.install(CSRF, (config) => config.allowOrigin('https://shop.example'));
  application.install(BodyLimit, (config) => {
    config.limitBytes = () => 64 * 1024;
  });
  application.install(RateLimit, (config) => config.global({ limit: 1e12, refillPeriodMs: 60_000 }));
  application.install(Sessions, (config) => config.cookie(sessionKey('cart')));
  application.install(StatusPages, (config) =>
    config.status(404, (call, status) => call.respondText('No such page', undefined, status)),
  );
  application.install(Compression);
  application.install(CachingHeaders, (config) =>
    config.options((_call, { contentType }) =>
      contentType?.startsWith('text/plain')
        ? { cacheControl: { type: 'max-age', maxAgeSeconds: 60 } }
        : undefined,
    ),
  );
  application.install(PartialContent);
  application.install(ConditionalHeaders);
  application.install(DefaultHeaders, (config) => config.header('X-Frame-Options', 'DENY'));
}
