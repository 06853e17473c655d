export declare const isConsoleBuilt: () => boolean
export declare function buildConsole(): Promise<string | undefined>
export declare function firstPage(): { readonly script: number; readonly style: number; readonly editor: number }
