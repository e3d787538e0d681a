import { startFront } from '#test/support/http1-corpus/subject.js';
import { corpusSuite } from './http1-corpus-suite.js';

corpusSuite(() => startFront(), ['whole', 'lines'], {
  addedFields: ['connection', 'x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto'],
});
