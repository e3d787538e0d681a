import { CIO } from 'portico/embedded';
import { startEngine } from '#test/support/web-socket/subject.js';
import { webSocketFramesSuite } from './web-socket-frames-suite.js';

webSocketFramesSuite('the engine CIO', () => startEngine(CIO));
