// The edits of a clip, as emosense/video/edits.py applies them for exports, and their history.

import { ask, Refused } from "./ask.js";
import { equal, rebased } from "./rebase.js";

const EMPTY = { people: [], names: {}, hidden: [], min_seconds: 0, segments: [], excluded: [] };
const REFUSED = [409, 412, 413, 422, 428];
const ATTEMPTS = 3; // at a project file, which may be what breaks the connection
const OTHERS = "The edits were changed on another page";

export class Edits {
  // onChange: the edits are others now. onNote: why, if not the user changed them. onProblem: they were not
  // saved. onTrouble: see ask.js. tracked: returns the numbers of the people that were tracked.
  constructor(url, signal, { onChange, onNote, onProblem, onTrouble, tracked }) {
    this.url = url;
    this.signal = signal;
    Object.assign(this, { onChange, onNote, onProblem, onTrouble, tracked });
    this.state = EMPTY;
    this.base = null; // what the server has; null before it is known, when nothing can be edited
    this.tag = null; // its entity tag
    this.past = []; // changes as [before, after]
    this.future = [];
    this.savedDepth = 0; // how many of past the server has
    this.isSaving = false;
    this.saved = Promise.resolve();
    // Pages of the same browser tell each other; what another browser changes is noticed when it is saved.
    this.channel = new BroadcastChannel(url);
    this.channel.onmessage = ({ data }) => data !== this.tag && this.refresh();
    signal.addEventListener("abort", () => this.channel.close());
  }

  get isLoaded() {
    return this.base !== null;
  }

  async load() {
    const { content, tag } = await this.ask("edits");
    [this.state, this.base, this.tag] = [content, content, tag];
  }

  ask(name, options = {}) {
    const { signal, onTrouble } = this;
    return ask(`${this.url}/${name}`, { signal, onTrouble, ...options });
  }

  // Replaces some fields; can be undone.
  change(fields) {
    if (!this.isLoaded) {
      this.onProblem("Nothing can be edited yet: the edits that are there are not loaded.");
      return;
    }
    const after = { ...this.state, ...fields };
    this.past.push([this.state, after]);
    this.future = [];
    this.set(after);
  }

  undo() {
    if (!this.past.length) return;
    const [before, after] = this.past.pop();
    this.future.push([before, after]);
    this.set(this.rebased(after, before, this.state));
  }

  redo() {
    if (!this.future.length) return;
    const [before, after] = this.future.pop();
    this.past.push([before, after]);
    this.set(this.rebased(before, after, this.state));
  }

  rebased(base, mine, theirs) {
    return rebased(base, mine, theirs, this.tracked());
  }

  set(state) {
    this.state = state;
    this.onChange();
    if (this.isSaving) return; // what is saved last is what is there then
    this.isSaving = true;
    this.saved = this.save();
  }

  async save() {
    try {
      while (this.state !== this.base) await this.saveOnce();
    } catch (error) {
      if (!this.signal.aborted) this.revert(error);
    }
    this.isSaving = false;
  }

  async saveOnce() {
    const sent = this.state;
    const depth = this.past.length;
    try {
      const { content, tag } = await this.put("edits", JSON.stringify(sent));
      if (this.state === sent) this.state = content;
      [this.base, this.tag, this.savedDepth] = [content, tag, depth];
      this.channel.postMessage(tag);
    } catch (error) {
      if (!(error instanceof Refused && error.status === 412)) throw error;
      await this.meet();
    }
  }

  // Somebody else has changed the edits since: what was changed here is changed there.
  async meet() {
    const { content, tag } = await this.ask("edits");
    const mine = this.state;
    const met = this.rebased(this.base, mine, content);
    const isMine = equal(content, mine); // an answer was lost, after which it was sent again
    const isNothing = equal(met, content);
    const isUndo = this.past.length < this.savedDepth;
    this.past.length = Math.min(this.past.length, this.savedDepth);
    if (!isNothing && !isUndo) this.past.push([content, met]);
    [this.base, this.tag, this.state] = [content, tag, isNothing ? content : met];
    if (isMine) return;
    this.onChange();
    this.onNote(isNothing ? `${OTHERS}: your change has no place in them.` : `${OTHERS}: yours was made again on top of them.`);
  }

  revert(error) {
    this.past = [];
    this.future = [];
    this.savedDepth = 0;
    this.state = this.base;
    this.onChange();
    this.onProblem(`The change was not saved. ${error.message}`);
  }

  // Takes over what another page has changed.
  async refresh() {
    await this.saved;
    if (!this.isLoaded || this.signal.aborted) return;
    try {
      const { content, tag } = await this.ask("edits");
      if (this.isSaving || tag === this.tag) return; // what is saved meanwhile meets them
      [this.state, this.base, this.tag] = [content, content, tag];
    } catch (error) {
      if (!this.signal.aborted) this.onProblem(error.message);
      return;
    }
    this.onChange();
    this.onNote(`${OTHERS}: this one follows.`);
  }

  // A project file replaces the edits, whatever they are by then.
  async loadProject(file) {
    await this.saved;
    try {
      const body = await file.text();
      for (;;) {
        try {
          const { content, tag } = await this.put("project", body, ATTEMPTS);
          this.past.push([this.state, content]);
          this.future = [];
          this.savedDepth = this.past.length;
          [this.state, this.base, this.tag] = [content, content, tag];
          this.channel.postMessage(tag);
          this.onChange();
          return;
        } catch (error) {
          if (!(error instanceof Refused && error.status === 412)) throw error;
          const { content, tag } = await this.ask("edits");
          [this.state, this.base, this.tag] = [content, content, tag];
        }
      }
    } catch (error) {
      if (!this.signal.aborted) this.onProblem(error.message);
    }
  }

  put(name, body, attempts) {
    const headers = { "content-type": "application/json", "if-match": this.tag };
    return this.ask(name, { method: "PUT", headers, body, final: REFUSED, attempts });
  }

  personAt(person, time) {
    for (const edit of this.state.people) {
      if (edit.person !== person) continue;
      if (edit.kind === "merge") person = edit.into;
      else if (time >= edit.time) person = edit.new;
    }
    return person;
  }

  isExcluded(time) {
    return this.state.excluded.some(({ start, end }) => start <= time && time < end);
  }

  // The people of a frame's faces: two faces never share one.
  peopleOf(faces, time) {
    const people = faces.map(({ tracked }) => this.personAt(tracked, time));
    const isShared = (all, person) => all.indexOf(person) !== all.lastIndexOf(person);
    const apart = people.map((person, i) => (isShared(people, person) ? faces[i].tracked : person));
    return apart.some((person) => isShared(apart, person)) ? faces.map(({ tracked }) => tracked) : apart;
  }

  nameOf(person) {
    return this.state.names[person] ?? `Person ${person}`;
  }
}
