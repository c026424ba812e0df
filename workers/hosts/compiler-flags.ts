/**
 * Flags of V8 for a process that computes models. Maglev, the compiler of Node 24 between the quick one and the best one, works beside the
 * program and has open faults where processor time is short (nodejs/node#64841, #66126). There, one training in some thirty runs of
 * the tests gave another model than the same training before it. Long loops are for the best compiler anyway.
 */
export const compilerFlags: readonly string[] = process.versions.node.startsWith('24.') ? ['--no-maglev'] : [];
