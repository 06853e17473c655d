/** What the Content-Security-Policy of this page lets inserted styles be known by. */
export const nonce = document.querySelector<HTMLMetaElement>('meta[property="csp-nonce"]')?.nonce ?? ''
