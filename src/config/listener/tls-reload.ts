// Looks at the files of a TLS listener again and again, and hands over what they hold when that has changed
// and makes a listener. Files are read, not stat'ed: what counts is what a path leads to now, and in
// Kubernetes that changes by a link above it.
import type { TlsTexts } from "../../transport/tls/secure-server.ts";
import { readTlsFiles, type TlsFiles } from "./tls-files.ts";

/** How often. Three small files cost less than one call. */
export const TLS_CHECK_PAUSE_MS = 5_000;

export interface TlsChanges {
  readonly changed: (texts: TlsTexts) => void;
  /** The former texts stay in use; told once for each trouble. */
  readonly failed: (error: unknown) => void;
}

export class TlsReload {
  readonly #files: TlsFiles;
  readonly #changes: TlsChanges;
  #current: string;
  #trouble = "";

  /** `current` is what the listener runs with. */
  constructor(files: TlsFiles, current: TlsTexts, changes: TlsChanges) {
    this.#files = files;
    this.#current = JSON.stringify(current);
    this.#changes = changes;
  }

  /** Never throws. */
  check(): void {
    try {
      const texts = readTlsFiles(this.#files);
      this.#trouble = "";
      const found = JSON.stringify(texts);
      if (found === this.#current) return;
      this.#changes.changed(texts);
      this.#current = found;
    } catch (error) {
      // A certificate that is written before its key is such a trouble, until the key is there, too.
      const trouble = (error as Error).message;
      if (trouble === this.#trouble) return;
      this.#trouble = trouble;
      this.#changes.failed(error);
    }
  }
}
