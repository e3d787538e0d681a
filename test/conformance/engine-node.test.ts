import { Node } from 'portico/embedded';
import { embeddedEngineSuite } from './engine-suite.js';

embeddedEngineSuite(Node);
