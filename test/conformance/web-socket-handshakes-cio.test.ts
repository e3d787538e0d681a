import { CIO } from 'portico/embedded';
import { startEngine } from '#test/support/web-socket/subject.js';
import { webSocketHandshakesSuite } from './web-socket-handshakes-suite.js';

webSocketHandshakesSuite('the engine CIO', () => startEngine(CIO));
