/**
 * dnstap frames in a file (Frame Streams, one way). A stream has a start and an end and cannot be gone on with, so what is there
 * already gives way: `x.tap` becomes `x.tap.1`, that `x.tap.2`, and so on. The same happens when the file is as large as it may be. Where
 * another program has moved it away (logrotate), a reload of the configuration begins a new one.
 *
 * Runs on a thread of its own, so it writes synchronously.
 */

import {
  closeSync,
  fstatSync,
  ftruncateSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import type { Timer, Timers } from '../../timers.ts';
import { Tally } from '../tally.ts';
import { Control, controlFrame } from './frames.ts';
import type { FrameOutput, OutputObserver } from './output.ts';

export interface FileOutputOptions {
  readonly path: string;
  /** From this size on a new file is begun. */
  readonly octetsMax: number;
  /** Files that are kept besides the one that is written. */
  readonly keep: number;
  readonly timers: Timers;
}

/** How long after a failure a file is tried again, in milliseconds. */
export const RETRY_MS = 5000;
/** Who may read it: queries tell who visits what. */
const MODE = 0o640;

interface OpenFile {
  readonly fd: number;
  readonly inode: number;
  /** Octets of whole frames. */
  octets: number;
}

export class FileOutput implements FrameOutput {
  readonly #options: FileOutputOptions;
  readonly #observer: OutputObserver;
  #file: OpenFile | undefined;
  #retry: Timer | undefined;
  #isFailing = false;

  constructor(options: FileOutputOptions, observer: OutputObserver) {
    this.#options = options;
    this.#observer = observer;
  }

  start(): void {
    this.#retry = undefined;
    try {
      this.#open();
    } catch (error) {
      this.#fail(error as NodeJS.ErrnoException);
    }
  }

  write(octets: Buffer, frames: number): void {
    const { tally } = this.#observer;
    try {
      if (this.#isFull(octets.length)) this.#turn();
      if (this.#file === undefined) return void (tally[Tally.framesLostFile]! += frames);
      append(this.#file, octets);
      tally[Tally.frames]! += frames;
      this.#isFailing = false;
    } catch (error) {
      tally[Tally.framesLostFile]! += frames;
      this.#fail(error as NodeJS.ErrnoException);
    }
  }

  look(): void {
    if (this.#file === undefined) return this.#retryNow();
    if (inodeOf(this.#options.path) === this.#file.inode) return;
    this.#close();
    this.start();
  }

  stop(): Promise<void> {
    this.#retry?.cancel();
    this.#close();
    return Promise.resolve();
  }

  #open(): void {
    const { path, keep } = this.#options;
    if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) > 0) makeWay(path, keep);
    this.#file = beginFile(path);
    const { tally, say } = this.#observer;
    tally[Tally.opened]!++;
    tally[Tally.isOpen] = 1;
    say('info', { file: path }, 'dnstap messages go to a new file');
  }

  /** What has its place by now may be the file of a successor, which is not ours to move. */
  #isFull(octets: number): boolean {
    const { path, octetsMax } = this.#options;
    const file = this.#file;
    return file !== undefined && file.octets + octets > octetsMax && inodeOf(path) === file.inode;
  }

  #turn(): void {
    this.#close();
    this.#open();
  }

  #close(): void {
    const file = this.#file;
    this.#file = undefined;
    this.#observer.tally[Tally.isOpen] = 0;
    if (file === undefined) return;
    try {
      append(file, controlFrame(Control.stop));
    } catch {
      // Readers take a stream without an end, too.
    }
    closeSync(file.fd);
  }

  /** Says it once, and tries anew after a while. A file that is open stays so: a disk may have room again. */
  #fail(error: NodeJS.ErrnoException): void {
    const { path, timers } = this.#options;
    if (!this.#isFailing) {
      const fields = { file: path, reason: error.message };
      this.#observer.say('warn', fields, 'dnstap messages are lost: the file cannot be written');
    }
    this.#isFailing = true;
    if (this.#file === undefined) this.#retry ??= timers.after(RETRY_MS, () => this.start());
  }

  #retryNow(): void {
    this.#retry?.cancel();
    this.start();
  }
}

/** A stream that has begun, or none. */
function beginFile(path: string): OpenFile {
  const fd = openSync(path, 'w', MODE);
  try {
    const file = { fd, inode: fstatSync(fd).ino, octets: 0 };
    append(file, controlFrame(Control.start));
    return file;
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/** Writes everything or nothing, so that a stream is never cut within a frame. */
function append(file: OpenFile, octets: Buffer): void {
  try {
    for (let done = 0; done < octets.length;) {
      done += writeSync(file.fd, octets, done, octets.length - done, file.octets + done);
    }
    file.octets += octets.length;
  } catch (error) {
    cut(file);
    throw error;
  }
}

function cut({ fd, octets }: OpenFile): void {
  try {
    ftruncateSync(fd, octets);
  } catch {
    // What lies behind the last whole frame is written over by the next one.
  }
}

function inodeOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.ino;
}

/** Moves each file by one, from the oldest on. */
function makeWay(path: string, keep: number): void {
  if (keep === 0) return rmSync(path);
  rmSync(`${path}.${keep}`, { force: true });
  for (let i = keep - 1; i >= 0; i--) {
    const from = i === 0 ? path : `${path}.${i}`;
    if (inodeOf(from) !== undefined) renameSync(from, `${path}.${i + 1}`);
  }
}
