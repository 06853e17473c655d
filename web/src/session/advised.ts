/** What went wrong beyond the API, and what to do about it. */
export class Advised extends Error {
  override readonly name = 'Advised'
  readonly advice: string

  constructor(message: string, advice: string) {
    super(message)
    this.advice = advice
  }
}
