import { startBehindFront } from '#test/support/web-socket/subject.js';
import { webSocketFramesSuite } from './web-socket-frames-suite.js';

webSocketFramesSuite('the front, framework application', () => startBehindFront('framework'));
webSocketFramesSuite('the front, ws application', () => startBehindFront('ws'), { isPlain: true });
