export { SHARD_BUCKET } from '../../config/reserved-names.js';
