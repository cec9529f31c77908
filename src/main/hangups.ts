/**
 * SIGHUP from the first moment on: one that nobody listens to would end the program. What comes
 * before there is an answer is answered once there is one, and once for all of them.
 */
export class Hangups implements Disposable {
  #answer: (() => void) | null = null;
  #isPending = false;
  readonly #listener = (): void => {
    if (this.#answer === null) this.#isPending = true;
    else this.#answer();
  };

  constructor() {
    Deno.addSignalListener("SIGHUP", this.#listener);
  }

  /** @param answer Must not throw. */
  answerBy(answer: () => void): void {
    this.#answer = answer;
    if (this.#isPending) answer();
    this.#isPending = false;
  }

  [Symbol.dispose](): void {
    Deno.removeSignalListener("SIGHUP", this.#listener);
  }
}
