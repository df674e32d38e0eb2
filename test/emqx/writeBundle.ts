import { bundleStandIn } from './bundle.js';

console.log(await bundleStandIn(process.argv[2]));
