/** What the build makes (build.mjs). */
declare module '*.wasm' {
  const bytes: Uint8Array
  export default bytes
}

declare module 'report-page' {
  /** The bundle of lib/report/page, and its style sheet. */
  export const script: string
  export const style: string
}

declare module 'all-tools' {
  const tools: import('./cli/fuse.js').Tools
  export default tools
}

/** Node has it; its types come with the browser's library only. */
declare namespace WebAssembly {
  class Module {
    constructor(bytes: Uint8Array)
  }
  class Instance {
    constructor(module: Module, imports: Record<string, Record<string, unknown>>)
    readonly exports: unknown
  }
}
