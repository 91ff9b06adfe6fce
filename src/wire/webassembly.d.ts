/** What is used here of WebAssembly: neither the ES2023 library nor the types of Node 20 describe it. */
declare namespace WebAssembly {
  class Memory {
    /** In pages of 64 KiB. */
    constructor(limits: { readonly initial: number; readonly maximum?: number; readonly shared?: boolean });
    readonly buffer: ArrayBufferLike;
    /** The number of pages before. */
    grow(pages: number): number;
  }

  class Module {
    /** Throws for bytes that are no valid module. */
    constructor(bytes: Uint8Array);
  }

  class Instance {
    constructor(module: Module);
    readonly exports: unknown;
  }
}
