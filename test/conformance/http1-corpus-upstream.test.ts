import { startUpstream } from '#test/support/http1-corpus/subject.js';
import { corpusSuite } from './http1-corpus-suite.js';

// `http-proxy` writes the head anew: names in lower case, lists in one line, HTTP/1.1, no upgrade but WebSocket.
corpusSuite(startUpstream, ['whole'], { blindTo: ['fields', 'upgrade', 'version'] });
