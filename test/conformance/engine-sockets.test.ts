import { CIO, Node } from 'portico/embedded';
import { engineSocketSuite } from './engine-socket-suite.js';

engineSocketSuite('CIO', CIO);
engineSocketSuite('Node', Node);
