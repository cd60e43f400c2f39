// The edits of a clip, as emosense/video/edits.py applies them for exports, and their history.

const EMPTY = { people: [], names: {}, hidden: [], min_seconds: 0, segments: [], excluded: [] };

export class Edits {
  constructor(url, signal, onChange, onProblem) {
    this.url = url;
    this.signal = signal;
    this.onChange = onChange;
    this.onProblem = onProblem;
    this.state = EMPTY;
    this.past = [];
    this.future = [];
    this.saved = Promise.resolve();
  }

  async load() {
    const response = await fetch(`${this.url}/edits`, { signal: this.signal });
    if (response.ok) this.state = await response.json();
  }

  // Replaces some fields; can be undone.
  change(fields) {
    this.past.push(this.state);
    this.future = [];
    this.set({ ...this.state, ...fields });
  }

  undo() {
    if (!this.past.length) return;
    this.future.push(this.state);
    this.set(this.past.pop());
  }

  redo() {
    if (!this.future.length) return;
    this.past.push(this.state);
    this.set(this.future.pop());
  }

  set(state) {
    this.state = state;
    this.onChange();
    this.saved = this.saved.then(() => this.put("edits", JSON.stringify(state)));
  }

  async loadProject(file) {
    await this.saved;
    const state = await this.put("project", await file.text());
    if (!state) return;
    this.past.push(this.state);
    this.future = [];
    this.state = state;
    this.onChange();
  }

  async put(name, body) {
    try {
      const headers = { "content-type": "application/json" };
      const response = await fetch(`${this.url}/${name}`, { method: "PUT", headers, body, signal: this.signal });
      if (response.ok) return await response.json();
      this.onProblem(await response.text());
    } catch (error) {
      if (!this.signal.aborted) this.onProblem(`The edits were not saved: ${error.message}`);
    }
    return null;
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
