export { checkFormation } from './check-formation.js';
export { checkMigration } from './check-migration.js';
export { checkPipeline } from './check-pipeline.js';
export { checkTarget } from './check-target.js';
export { jsonSchema, type JsonSchema } from './json-schema.js';
export { loadSpecs } from './load-specs.js';
export { parseSpecs, type Specs } from './parse-specs.js';
export type { Source } from './read-documents.js';
export { describeProblem, SpecError, type SpecProblem, type SpecProblemCode } from './spec-error.js';
