import { StorageError } from "../errors.ts";
import { diskBytes, type Space } from "./space.ts";

/** How far ahead of its writes a file of unknown length reserves, in bytes. */
const GROWTH_STEP_BYTES = 1024 * 1024;

/**
 * Waits until so many bytes fit and reserves them in the same turn.
 *
 * @throws {StorageError} `storage-full`.
 */
export type MakeRoom = (bytes: number) => Promise<void>;

/** The space of one unfinished file: reserved before it is written. */
export class Reservation {
  readonly #space: Space;
  readonly #makeRoom: MakeRoom;
  #reserved = 0;
  #written = 0;
  #ended = false;

  private constructor(space: Space, makeRoom: MakeRoom) {
    this.#space = space;
    this.#makeRoom = makeRoom;
  }

  /**
   * @param size Of the file, reserved as a whole; null: unknown.
   * @throws {StorageError} As `cover`.
   */
  static async take(space: Space, makeRoom: MakeRoom, size: number | null): Promise<Reservation> {
    const reservation = new Reservation(space, makeRoom);
    if (size !== null) {
      reservation.#checkSize(size);
      if (size > 0) await reservation.#grow(diskBytes(size));
    }
    return reservation;
  }

  /**
   * Returns when the file may grow to so many bytes.
   *
   * @throws {StorageError} `storage-full` when no room can be made, `object-too-large` when the file
   * is longer than any may be.
   */
  async cover(size: number): Promise<void> {
    this.#checkSize(size);
    if (diskBytes(size) <= this.#reserved) return;
    const ahead = Math.ceil(size / GROWTH_STEP_BYTES) * GROWTH_STEP_BYTES;
    const { maxObjectBytes } = this.#space.limits;
    const most = Math.min(ahead, diskBytes(maxObjectBytes ?? Infinity));
    try {
      await this.#grow(most);
    } catch (error) {
      if (most === diskBytes(size)) throw error;
      await this.#grow(diskBytes(size));
    }
  }

  /** @param size Of the file, as far as it is written. */
  wrote(size: number): void {
    if (this.#ended) return;
    this.#space.wrote(diskBytes(size) - this.#written);
    this.#written = diskBytes(size);
  }

  /** Gives all of it back. What the file takes of the disk: whoever keeps the file counts that on. */
  end(): number {
    if (this.#ended) return 0;
    this.#ended = true;
    this.#space.release(this.#reserved, this.#reserved - this.#written);
    return this.#written;
  }

  async #grow(to: number): Promise<void> {
    const more = to - this.#reserved;
    await this.#makeRoom(more);
    if (this.#ended) {
      this.#space.release(more, more);
      throw new StorageError("storage-failed", `Cannot reserve ${more} bytes: the file has ended`);
    }
    this.#reserved = to;
  }

  #checkSize(size: number): void {
    const { maxObjectBytes } = this.#space.limits;
    if (maxObjectBytes === null || size <= maxObjectBytes) return;
    throw new StorageError(
      "object-too-large",
      `Cannot store ${size} bytes: one file may have ${maxObjectBytes} at most`,
    );
  }
}
