import type { FastifyServerOptions } from 'fastify';

function refuse(): never {
  throw new Error('routes have no schemas here: see no-schemas.ts');
}

/**
 * For fastify's option `schemaController`. No route of ours declares a schema, but fastify would load a validator and a
 * serializer compiler all the same: a third of its start-up time and 2 MB of memory.
 */
export const NO_SCHEMAS: NonNullable<FastifyServerOptions['schemaController']> = {
  compilersFactory: { buildValidator: refuse, buildSerializer: refuse },
};
