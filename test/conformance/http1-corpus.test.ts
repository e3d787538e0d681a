import { startConnector } from '#test/support/http1-corpus/subject.js';
import { corpusSuite } from './http1-corpus-suite.js';

corpusSuite(startConnector, ['whole', 'bytes', 'lines']);
