/** What is fuzzed: bytes go in, and a promise that they break is thrown. */
export interface Target {
  /** Sound inputs to begin with. */
  seeds(): readonly Buffer[]
  /** What means something here: chance would not spell it. */
  words: readonly string[]
  /** In bytes. */
  longest: number
  run(input: Buffer): void | Promise<void>
}

/** Names of 13 bits and the memory of the WebAssembly module are used up by ever new inputs: then a process begins anew. */
export class UsedUp extends Error {}
