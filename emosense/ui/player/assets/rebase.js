// Changes of edits that somebody else has changed meanwhile: made again on top of those.

// What is compared: edits as text, whatever the order of names and of hidden people.
function text(value) {
  return JSON.stringify(value, (name, part) => {
    if (name === "hidden") return [...part].sort((a, b) => a - b);
    return part && typeof part === "object" && !Array.isArray(part) ? Object.fromEntries(Object.entries(part).sort()) : part;
  });
}

export function equal(one, other) {
  return one === other || text(one) === text(other);
}

// The smallest number that is nobody's: neither tracked nor made by an edit.
export function freshPerson(people, tracked) {
  const used = new Set(tracked);
  for (const edit of people) used.add(edit.into ?? edit.new);
  let fresh = 1;
  while (used.has(fresh)) fresh++;
  return fresh;
}

// The changes that lead from `base` to `mine`, made upon `theirs`; `tracked` are the numbers that tracking
// gave. Without changes of others, where `theirs` is `base`, that is `mine`.
export function rebased(base, mine, theirs, tracked) {
  if (equal(base, theirs)) return mine;
  const { people, moved, numbers } = rebasedPeople(base.people, mine.people, theirs.people, tracked);
  const placeOf = (person) => moved(numbers.get(person) ?? person);
  const names = { ...theirs.names };
  for (const person of new Set([...Object.keys(base.names), ...Object.keys(mine.names)].map(Number))) {
    if (base.names[person] === mine.names[person]) continue;
    if (mine.names[person] !== undefined) names[placeOf(person)] = mine.names[person];
    else delete names[person];
  }
  const hidden = new Set(theirs.hidden);
  for (const person of base.hidden) if (!mine.hidden.includes(person)) hidden.delete(person);
  for (const person of mine.hidden) {
    const place = numbers.get(person) ?? person;
    // Who is merged into somebody else is not there to be hidden: the other one was not meant.
    if (!base.hidden.includes(person) && moved(place) === place) hidden.add(place);
  }
  return {
    people,
    names,
    hidden: [...hidden],
    min_seconds: mine.min_seconds === base.min_seconds ? theirs.min_seconds : mine.min_seconds,
    segments: rebasedStretches(base.segments, mine.segments, theirs.segments),
    excluded: rebasedStretches(base.excluded, mine.excluded, theirs.excluded),
  };
}

// Merges and splits refer to the people whom those before them have made: mine come last.
function rebasedPeople(base, mine, theirs, tracked) {
  const added = mine.slice(common(base, mine));
  const people = [...theirs];
  for (const edit of base.slice(common(base, mine))) {
    const at = people.findLastIndex((other) => equal(other, edit));
    if (at >= 0) people.splice(at, 1);
  }
  const others = theirs.slice(common(base, theirs));
  const moved = (person) => others.reduce((at, { kind, person: from, into }) => (kind === "merge" && from === at ? into : at), person);
  const numbers = new Map(); // my numbers of new people that are somebody else's there
  for (const edit of added) {
    if (people.some((other) => equal(other, edit))) continue;
    const person = moved(numbers.get(edit.person) ?? edit.person);
    if (edit.kind === "merge") {
      const into = moved(numbers.get(edit.into) ?? edit.into);
      if (person !== into) people.push({ ...edit, person, into });
      continue;
    }
    const isUsed = people.some((other) => (other.into ?? other.new) === edit.new);
    if (isUsed) numbers.set(edit.new, freshPerson([...people, ...mine], tracked));
    people.push({ ...edit, person, new: numbers.get(edit.new) ?? edit.new });
  }
  return { people, moved, numbers };
}

function common(one, other) {
  let count = 0;
  while (count < one.length && count < other.length && equal(one[count], other[count])) count++;
  return count;
}

// Stretches are the same if their times are; of several with the same times, those at the same place.
export function keyed(stretches) {
  const counts = new Map();
  return new Map(
    stretches.map((stretch) => {
      const times = `${stretch.start} ${stretch.end}`;
      const count = counts.get(times) ?? 0;
      counts.set(times, count + 1);
      return [`${times} ${count}`, stretch];
    }),
  );
}

function rebasedStretches(base, mine, theirs) {
  const [before, after, result] = [base, mine, theirs].map(keyed);
  for (const key of before.keys()) if (!after.has(key)) result.delete(key);
  for (const [key, stretch] of after) {
    if (!before.has(key) || !equal(before.get(key), stretch)) result.set(key, stretch);
  }
  return [...result.values()];
}
