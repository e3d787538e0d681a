import { startFramework } from '#test/support/http1-corpus/subject.js';
import { corpusSuite } from './http1-corpus-suite.js';

// Calls of the framework have no trailers.
corpusSuite(startFramework, ['whole'], { blindTo: ['trailers'] });
