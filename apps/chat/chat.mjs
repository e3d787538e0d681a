import { readFile } from 'node:fs/promises';
import { routing } from 'portico';
import { WebSockets, webSocket } from 'portico/plugins/web-sockets';

/** @typedef {import('portico/plugins/web-sockets').WebSocketSession<unknown>} Session */

/**
 * Chat rooms over WebSockets: `/room`, and `/room/blue` for a room of that name.
 * @param {import('portico').Application} application
 */
export async function chatModule(application) {
  const page = await readFile(new URL('public/index.html', import.meta.url), 'utf8');
  /** @type {Map<string, Set<Session>>} */
  const rooms = new Map();

  application.install(WebSockets, (config) => {
    config.pingPeriodMs = 30_000;
    config.maxFrameBytes = 16 * 1024;
  });

  routing(application, (route) => {
    route.get('/', (call) => call.respondText(page, 'text/html; charset=UTF-8'));
    webSocket(route, '/room/{name?}', (session) => visit(session, session.parameters.name ?? ''));
  });

  /**
   * One guest, from coming in to leaving.
   * @param {Session} session
   * @param {string} name
   */
  async function visit(session, name) {
    const room = rooms.get(name) ?? new Set();
    rooms.set(name, room.add(session));
    announce(room, `somebody joined, ${room.size} here`);
    for await (const message of session.incoming) announce(room, message.text.slice(0, 500));
    room.delete(session);
    if (room.size === 0) rooms.delete(name);
    announce(room, `somebody left, ${room.size} here`);
  }
}

/**
 * Not awaited: a slow guest must not hold up the others; one who does not read at all is cut by the plugin.
 * @param {Set<Session>} room
 * @param {string} text
 */
function announce(room, text) {
  for (const session of room) session.send(text);
}
