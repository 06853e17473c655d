/** Hashes as people read them: `main@sha1:0123456789ab`, `sha256:0123456789ab`. */
export const shortRevision = (text: string): string => text.replace(/[0-9a-f]{40,64}/g, (hash) => hash.slice(0, 12))
