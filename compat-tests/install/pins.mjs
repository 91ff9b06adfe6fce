/**
 * What `npm run compat` tests with: clients of the node, and servers that its adapters are clients of. A new version is
 * a change of this file, so that a red run is never the fault of a client that moved in the night.
 */

/** @typedef {{ module: string, version: string, binary: string, package?: string }} GoPin package: where it is in the module */
/** @typedef {{ crate: string, version: string, binary: string }} CargoPin */

/** @type {Record<string, GoPin>} */
export const GO_TOOLS = {
  rclone: { module: 'github.com/rclone/rclone', version: 'v1.76.0', binary: 'rclone' },
  mc: {
    module: 'github.com/minio/mc',
    version: 'v0.0.0-20250313080218-cf909e1063a9',
    binary: 'mc',
  },
  minio: {
    module: 'github.com/minio/minio',
    version: 'v0.0.0-20260212201848-7aac2a2c5b7c',
    binary: 'minio',
  },
  versitygw: {
    module: 'github.com/versity/versitygw',
    package: './cmd/versitygw',
    version: 'v1.8.0',
    binary: 'versitygw',
  },
  restic: {
    module: 'github.com/restic/restic',
    package: './cmd/restic',
    version: 'v0.18.1',
    binary: 'restic',
  },
};

/** @type {Record<string, CargoPin>} */
export const CARGO_TOOLS = {
  garage: { crate: 'garage', version: '2.5.0', binary: 'garage' },
};

/** Programs that the Python environment must have once its packages are installed. */
export const PYTHON_TOOLS = {
  python: 'python',
  aws: 'aws',
  s3cmd: 's3cmd',
};

/** Long-term support releases of Node that `npm test` must pass on, beside the one that runs it. */
export const NODE_RELEASES = ['24.21.0', '26.10.0'];
