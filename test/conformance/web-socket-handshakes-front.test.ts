import { startBehindFront } from '#test/support/web-socket/subject.js';
import { webSocketHandshakesSuite } from './web-socket-handshakes-suite.js';

webSocketHandshakesSuite('the front, framework application', () => startBehindFront('framework'));
webSocketHandshakesSuite('the front, ws application', () => startBehindFront('ws'), { isPlain: true });
