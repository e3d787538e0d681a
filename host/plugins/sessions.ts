import { createRouteScopedPlugin, type RouteScopedPlugin } from '../plugin/create-plugin.js';
import { ResponseBodyReadyForSend } from '../plugin/hooks.js';
import { CallSessions, SESSIONS } from './sessions/call-sessions.js';
import { SessionsConfig } from './sessions/session-config.js';

export {
  CacheSessionStorage,
  type CacheSessionStorageOptions,
} from './sessions/cache-session-storage.js';
export { type CallSessions, sessions } from './sessions/call-sessions.js';
export { DirectorySessionStorage } from './sessions/directory-session-storage.js';
export {
  MemorySessionStorage,
  type MemorySessionStorageOptions,
} from './sessions/memory-session-storage.js';
export { type RedisClient, RedisSessionStorage } from './sessions/redis-session-storage.js';
export type { CookieSessionConfig, SessionConfig, SessionsConfig } from './sessions/session-config.js';
export { type SessionKey, sessionKey } from './sessions/session-key.js';
export type { SessionSerializer } from './sessions/session-serializer.js';
export type { SessionStorage } from './sessions/session-storage.js';
export {
  type AgeOptions,
  type EncryptionKeys,
  type EncryptionOptions,
  encrypted,
  type SecretBytes,
  type SessionTransform,
  signed,
} from './sessions/session-transforms.js';

/**
 * Plugin: sessions, in cookies or headers. What the client sends is read before routing, what has changed is written
 * before the answer goes out. Whatever a client sends that is no valid session counts as no session.
 *
 * ```ts
 * const Cart = sessionKey<{ items: string[] }>('cart');
 *
 * application.install(Sessions, (config) => {
 *   config.cookie(Cart, (cookie) => cookie.transform(signed(secret)));
 * });
 * routing(application, (r) => {
 *   r.post('/items/{id}', (call) => {
 *     const cart = sessions(call).getOrSet(Cart, () => ({ items: [] }));
 *     cart.items.push(call.parameters.id);
 *     return call.respondStatus(204);
 *   });
 * });
 * ```
 */
export const Sessions: RouteScopedPlugin<SessionsConfig, void> = createRouteScopedPlugin('Sessions', {
  createConfig: () => new SessionsConfig(),
  install(plugin) {
    const { providers } = plugin.config;
    for (const { key, isUnprotected } of providers)
      if (isUnprotected)
        plugin.application.log.warn(
          `Clients can change the session ${key.name} as they like. Add a transform (signed, encrypted) or a storage.`,
        );
    plugin.onCall((call) => {
      const own = new CallSessions(call, providers);
      call.attributes.put(SESSIONS, own);
      return own.load();
    });
    plugin.on(ResponseBodyReadyForSend, (call) =>
      call.isHandled ? undefined : call.attributes.getOrNull(SESSIONS)?.save(),
    );
  },
});
