export declare const isConsoleBuilt: () => boolean
export declare function buildConsole(): Promise<string | undefined>
