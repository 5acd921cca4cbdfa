/**
 * Objects made in several clusters as one undertaking: each is brought to what it is to be, or left where it is so already; what
 * was done is said in order, and taken back in reverse when something fails.
 */

import type { Failure } from '../api/failure.ts';
import { describeRef, type KubeObject, type ObjectRef, refOf, type ResourceType } from '../api/object.ts';
import type { Contact } from './contact.ts';
import { FederationError } from './federation-error.ts';

interface Done {
  readonly contact: Contact;
  readonly ref: ObjectRef;
  readonly after: KubeObject;
  /** Absent: it was not there. */
  readonly before?: KubeObject;
}

export class Undertaking {
  readonly #say: (line: string) => void;
  readonly #done: Done[] = [];

  constructor(say: (line: string) => void) {
    this.#say = say;
  }

  /** Whether anything was written. */
  get changed(): boolean {
    return this.#done.length > 0;
  }

  /**
   * Brings an object to what it is to be, by server-side apply without force: what others have written there is not overruled.
   *
   * @throws FederationError `REFUSED` in the server's words
   */
  async bring(contact: Contact, type: ResourceType, object: KubeObject): Promise<KubeObject> {
    const ref = refOf(type, object);
    const before = await contact.objects.get(ref);
    if (!before.ok && before.failure.cause !== 'absent' && before.failure.cause !== 'namespaceAbsent')
      throw refusal(contact, ref, before.failure);
    const applied = await contact.objects.apply(ref, object);
    if (!applied.ok) throw refusal(contact, ref, applied.failure);
    // What is so already gets no new version.
    if (before.ok && before.value.metadata.resourceVersion === applied.value.metadata.resourceVersion) {
      this.#say(`${contact.name}: ${describeRef(ref)} is there`);
      return before.value;
    }
    this.#done.push({ contact, ref, after: applied.value, ...(before.ok && { before: before.value }) });
    this.#say(`${contact.name}: ${describeRef(ref)} ${before.ok ? 'changed' : 'made'}`);
    return applied.value;
  }

  /** Takes back what was made and changed. What cannot be taken back is said, and the rest goes on. */
  async undo(): Promise<void> {
    for (const { contact, ref, before, after } of this.#done.toReversed()) {
      const outcome =
        before === undefined
          ? await contact.objects.remove(ref, {
              ...(after.metadata.uid !== undefined && { uid: after.metadata.uid }),
            })
          : await contact.objects.replace(ref, restored(before));
      const what = before === undefined ? 'removed again' : 'as it was again';
      const isGone = !outcome.ok && outcome.failure.cause === 'absent';
      const how = outcome.ok || isGone ? what : `stays as it is: ${outcome.failure.message}`;
      this.#say(`${contact.name}: ${describeRef(ref)} ${how}`);
    }
    this.#done.length = 0;
  }
}

export function refusal(contact: Contact, ref: ObjectRef, { cause, message }: Failure): FederationError {
  const hint =
    cause === 'fieldConflict'
      ? ': somebody else applies these fields, by GitOps or by hand: change it there'
      : '';
  return new FederationError('REFUSED', `${contact.name}: ${describeRef(ref)}: ${message}${hint}`);
}

/** Without a version: whatever came between is undone with it. */
function restored(object: KubeObject): KubeObject {
  const { resourceVersion: _version, managedFields: _fields, ...metadata } = object.metadata;
  return { ...object, metadata };
}
