// The search page. It looks for every word of the query in the sections of SEARCH_INDEX (search-index.js), ranks them,
// and shows where the words stand. It needs no server. The stemmer is Sphinx's, from language_data.js. Where no section
// has all words it shows what has most of them; and for words that the book has not, those that are spelt alike. The
// index comes after this script: until then the field keeps what is typed.

const stemmer = new Stemmer();
const WORDS = /\d+\.\d+|[\p{L}\p{N}_]+|[∂∇]/gu; // 1.2 is a word, and so is a name in the code, such as alpha_gen
const MOST = 40;
// What is said around the words that one looks for, beyond what Sphinx leaves out.
const SMALL = new Set([
  ...stopwords,
  ..."about am an can could did do does from get have has how i its me my our should so than us we were what when where".split(" "),
  ..."which who why would you your".split(" "),
]);
const GREEK = Object.fromEntries(
  "αalpha βbeta γgamma δdelta εepsilon ζzeta ηeta θtheta κkappa λlambda μmu νnu ξxi πpi ρrho σsigma ςsigma τtau φphi χchi ψpsi ωomega"
    .split(" ")
    .map((letter) => [letter[0], letter.slice(1)]),
);

// One spelling for British and American words and for alpha_gen, α_gen and αgen, and one form for all endings of a word.
function canonical(word) {
  const plain = word
    .toLowerCase()
    .normalize("NFKD")
    .replace(/[\u0300-\u036f]/g, "")
    .replace(/[α-ω]/gu, (letter) => GREEK[letter] ?? letter)
    .replaceAll("_", "")
    .replace(/^(minim|maxim|optim|equilibri|criteri)a$/, (_, stem) => stem + (stem === "criteri" ? "on" : "um"))
    .replace(/^licence/, "license")
    .replace(/([iy])z(e|ed|er|ers|es|ing|ation|ations)$/, "$1s$2")
    .replace(/(..)our(s|ed|ing|al|ite)?$/, "$1or$2")
    .replace(/(t|b)re(s|d)?$/, "$1er$2")
    .replace(/ll(ed|ing|er)$/, "l$1")
    .replace(/^gray/, "grey");
  return stemmer.stemWord(plain);
}

const known = new Map();
const form = (word) => known.get(word) ?? known.set(word, canonical(word)).get(word);
const parts = (word) => (word.includes("_") ? [word, ...word.split("_").filter(Boolean)] : [word]);
const forms = (text) => (text.match(WORDS) ?? []).flatMap(parts).map(form);

let sections = null; // until the index has come
let synonyms = null;
const written = new Map(); // every word of the book as it is written there, and how often; a title's words count more

function read({ entries, synonyms: others }) {
  sections = entries.map((entry) => {
    const counts = new Map();
    for (const word of forms(`${entry.text} ${entry.signs ?? ""}`)) counts.set(word, (counts.get(word) ?? 0) + 1);
    const symbols = (entry.symbols ?? []).map(form);
    return { ...entry, titleForms: forms(entry.title), counts, symbols };
  });
  synonyms = new Map(Object.entries(others).map(([word, other]) => [form(word), forms(other)]));
  for (const entry of entries)
    for (const [text, weight] of [[entry.title, 5], [entry.text, 1]])
      for (const word of text.toLowerCase().match(WORDS) ?? [])
        if (word.length > 2 && !/\d/.test(word)) written.set(word, (written.get(word) ?? 0) + weight);
  for (const word of Object.keys(others)) written.set(word, (written.get(word) ?? 0) + 5);
}

// How well a word fits a section: a title that is the word, a title that holds it, a text that holds it often. The
// beginning of a longer word counts too, but less. A row of the notation is known by its symbols, as a title: z_0 is
// meant by z_l too.
function fit(word, section) {
  if (section.symbols.includes(word)) return 60;
  if (section.symbols.includes(word.replace(/^([a-z]+)\d+$/, "$1l"))) return 50;
  if (section.titleForms.length === 1 && section.titleForms[0] === word) return 40;
  if (section.titleForms.includes(word)) return 20;
  const times = section.counts.get(word);
  if (times) return 2 + Math.log2(times);
  if (word.length < 3) return 0;
  if (section.titleForms.some((other) => other.startsWith(word))) return 8;
  for (const other of section.counts.keys()) if (other.startsWith(word)) return 1;
  return 0;
}

// Where a word stands in a chapter or in the glossary, it is explained; elsewhere it is judged, listed or answered.
const RECORD = /(reproduced|against|status|references|differences|solutions|teaching\/\w+)\.html/;
const rank = (score, section) => (RECORD.test(section.url) && section.in ? score / 4 : score);

// In quotes, words stand together; with a bracket, a name is a function; "chapter 4" is that page. What is written with
// a hyphen may be written without, and what has a number may be named in short, with or without a space.
const NUMBERED = /(?<![\p{L}\p{N}_])(exercises?|exc?|equations?|eqn?|fig(?:ure)?s?|sol(?:ution)?s?|chap(?:ter)?|ch)\.?\s*(?=\d)/giu;
const OF_A_CHAPTER = /^\s*(exercise|solution)s?\s+(?:(?:of|in|from|for)\s+)?(?:chapter\s+)?(\d+)\s*$/i;
// A figure or an equation of a chapter: "figure 4.2", as the code calls it, "equation 3 of chapter 4", "chapter 4 figure 3".
const PLACED = [
  /^\s*(?<kind>figure|equation)s?\s+(?<chapter>\d+)\.(?<number>\d+)\s*$/i,
  /^\s*(?<kind>figure|equation)s?\s+(?<number>\d+),?\s+(?:(?:of|in|from)\s+)?chapter\s+(?<chapter>\d+)\s*$/i,
  /^\s*chapter\s+(?<chapter>\d+),?\s+(?<kind>figure|equation)s?\s+(?<number>\d+)\s*$/i,
];
const WHOLE = { ex: "exercise", eq: "equation", fi: "figure", so: "solution", ch: "chapter" };

function search(typed) {
  const query = typed.replace(NUMBERED, (name) => `${WHOLE[name.slice(0, 2).toLowerCase()]} `);
  const result = searchWords(query);
  const joined = query.replace(/(\p{L})-(?=\p{L})/gu, "$1");
  if (result.found.length || joined === query) return result;
  const other = searchWords(joined);
  return other.found.length ? other : result;
}

function searchWords(query) {
  const phrases = [...query.matchAll(/["“”]([^"“”]+)["“”]/g)].map((match) => match[1].trim().toLowerCase());
  const called = new Set([...query.matchAll(/(\w+)\(/g)].map((match) => `API: ${match[1]}`));
  const chapter = query.match(/^\s*chapter\s+(\d+)\s*$/i)?.[1];
  const those = query.match(OF_A_CHAPTER);
  const kind = those && `${those[1][0].toUpperCase()}${those[1].slice(1).toLowerCase()} ${those[2]}.`;
  const isMeant = (section) =>
    called.has(section.title) || (!section.in && section.title.startsWith(`${chapter} `));
  const placed = PLACED.map((way) => query.match(way)?.groups).find(Boolean);
  const isPlaced = (section) =>
    section.title.toLowerCase() === `${placed.kind.toLowerCase()} ${placed.number}` &&
    section.in.startsWith(`${placed.chapter} `);
  const holds = (section) => phrases.every((words) => `${section.title} ${section.text}`.toLowerCase().includes(words));
  const typed = query.match(WORDS) ?? [];
  const telling = typed.filter((word) => !SMALL.has(word.toLowerCase()));
  const names = new Map((telling.length ? telling : typed).map((word) => [form(word), word]));
  const meaning = [...names.keys()].map((word) => [[word], ...(synonyms.has(word) ? [synonyms.get(word)] : [])]);
  const found = [];
  const some = [];
  for (const section of sections) {
    const fits = meaning.map((ways) => Math.max(...ways.map((way) => Math.min(...way.map((word) => fit(word, section))))));
    const score = fits.reduce((a, b) => a + b, 0);
    if (placed && isPlaced(section)) found.push({ section, score: 1000 });
    else if (kind && section.title.startsWith(kind)) found.push({ section, score: 1000 });
    else if (isMeant(section)) found.push({ section, score: score + 100 });
    else if (!score || !holds(section)) continue;
    else if (fits.every(Boolean)) found.push({ section, score: rank(score, section) });
    else some.push({ section, fits });
  }
  found.sort((a, b) => b.score - a.score);
  return { found, most: found.length ? [] : mostOf(some, [...names.values()]), words: meaning.flat(2) };
}

// Of the sections that have some of the words, those that have the most; the rarer a word, the more it counts. Where
// the book has not one of the words at all, there are none: it may be misspelt.
function mostOf(some, names) {
  const times = names.map((_, i) => some.filter(({ fits }) => fits[i]).length);
  if (times.includes(0)) return [];
  const rare = times.map((n) => Math.log(1 + sections.length / n));
  const all = some.map(({ section, fits }) => ({
    section,
    score: fits.reduce((sum, one, i) => sum + rare[i] * Math.min(one, 20), 0),
    without: names.filter((_, i) => !fits[i]),
  }));
  const least = Math.min(...all.map(({ without }) => without.length));
  return all.filter(({ without }) => without.length === least).sort((a, b) => b.score - a.score);
}

// The part of a text around the first of the words, with all of them marked.
function snippet(text, words) {
  const isHit = (word) =>
    forms(word).some((one) => words.some((wanted) => one === wanted || (wanted.length > 2 && one.startsWith(wanted))));
  const hits = [...text.matchAll(WORDS)].filter((match) => isHit(match[0]));
  const first = hits[0]?.index ?? 0;
  const from = first < 70 ? 0 : text.indexOf(" ", first - 60) + 1;
  const end = from + 220 < text.length ? text.lastIndexOf(" ", from + 220) : text.length;
  const line = document.createElement("p");
  let at = from;
  if (from) line.append("… ");
  for (const hit of hits) {
    if (hit.index < at || hit.index + hit[0].length > end) continue;
    const mark = document.createElement("mark");
    mark.textContent = hit[0];
    line.append(text.slice(at, hit.index), mark);
    at = hit.index + hit[0].length;
  }
  line.append(text.slice(at, end), end < text.length ? " …" : "");
  return line;
}

// How many letters to add, drop, change or swap with the next one make one word the other: Damerau and Levenshtein's.
function distance(a, b) {
  const rows = [[...Array(b.length + 1).keys()]];
  for (let i = 1; i <= a.length; i++) {
    rows.push([i]);
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      rows[i][j] = Math.min(rows[i - 1][j] + 1, rows[i][j - 1] + 1, rows[i - 1][j - 1] + !same);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        rows[i][j] = Math.min(rows[i][j], rows[i - 2][j - 2] + 1);
    }
  }
  return rows[a.length][b.length];
}

// The book's word that is most like a word, at one slip in four letters at most; the more frequent of two.
function alike(word) {
  let best = null;
  for (const [other, times] of written) {
    const room = Math.max(1, Math.floor(word.length / 4));
    if (other === word || Math.abs(other.length - word.length) > room) continue;
    const slips = distance(word, other);
    if (slips > room) continue;
    if (!best || slips < best.slips || (slips === best.slips && times > best.times)) best = { other, slips, times };
  }
  return best?.other;
}

// Other queries that find something: the words as the book spells them, or else without those that it has not.
function suggestions(query) {
  const typed = query.toLowerCase().match(WORDS) ?? [];
  const unknown = typed.filter((word) => !SMALL.has(word) && !search(word).found.length);
  const respelt = typed.map((word) => (unknown.includes(word) ? alike(word) : word));
  const ways = [respelt.filter(Boolean), typed.filter((word) => !unknown.includes(word))];
  const telling = ways.filter((way) => way.some((word) => !SMALL.has(word)));
  const queries = new Set(telling.map((way) => way.join(" ")));
  queries.delete(typed.join(" "));
  return [...queries].filter((other) => search(other).found.length).slice(0, 3);
}

// A sentence of words and of queries that one can follow: buttons would not open in a tab of their own.
function sentence(before, queries, after) {
  const line = document.createElement("p");
  line.append(before);
  queries.forEach((query, i) => {
    const link = document.createElement("a");
    link.href = `?q=${encodeURIComponent(query)}`;
    link.textContent = query;
    link.addEventListener("click", (event) => {
      event.preventDefault();
      field.value = query;
      field.dispatchEvent(new Event("input"));
      field.focus();
    });
    line.append(i ? (i === queries.length - 1 ? " or " : ", ") : "", link);
  });
  line.append(after);
  return line;
}

const EXAMPLES = ["amortiser", "normalise", "alpha_gen", "exercise 1.2", "equation 3"];

function help(query, found) { // how many it found
  const box = document.getElementById("search-help");
  const empty = !query.trim();
  box.replaceChildren();
  if (empty) {
    box.append(
      sentence("Type a word, a name in the code, or a number that the book gives, such as ", EXAMPLES, "."),
      sentence("Every word must occur; British and American spellings and all endings of a word are one.", [], ""),
    );
  } else if (!found) {
    const others = suggestions(query);
    if (others.length) box.append(sentence("Did you mean ", others, "?"));
  }
  document.getElementById("search-elsewhere").hidden = !empty && found > 0;
}

// What is asked for beyond the first: with it the list goes on, and the keyboard at its first new entry.
function more(query, rest) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "btn";
  button.textContent = `Show the other ${rest}`;
  button.addEventListener("click", () => {
    show(query, Infinity);
    document.querySelector(`#search-results li:nth-child(${MOST + 1}) a`).focus();
  });
  const item = document.createElement("li");
  item.append(button);
  return item;
}

function show(query, most = MOST) {
  const list = document.getElementById("search-results");
  const status = document.getElementById("search-status");
  const { found: whole, most: partly, words } = search(query);
  const found = whole.length ? whole : partly;
  list.replaceChildren(
    ...found.slice(0, most).map(({ section, without }) => {
      const item = document.createElement("li");
      const link = document.createElement("a");
      link.href = section.url;
      link.textContent = section.title;
      item.append(link);
      if (section.in) {
        const where = document.createElement("span");
        where.className = "search-where";
        where.textContent = ` in ${section.in}`;
        item.append(where);
      }
      if (without) {
        const lacks = document.createElement("span");
        lacks.className = "search-where";
        lacks.textContent = ` · without: ${without.join(", ")}`;
        item.append(lacks);
      }
      if (section.text) item.append(snippet(section.text, words));
      return item;
    }),
  );
  if (found.length > most) list.append(more(query, found.length - most));
  const many = found.length === 1 ? "1 section" : `${found.length} sections`;
  if (!query.trim()) status.textContent = "";
  else if (!found.length) status.textContent = `Nothing found for “${query}”.`;
  else {
    const told = whole.length ? `${many} found` : `No section has all of these words; ${many} with the most of them`;
    status.textContent = `${told}${found.length > most ? `; the best ${most} are shown` : ""}.`;
  }
  help(query, found.length);
}

// The page has filled the field from its address (search.html). What is typed before the index has come is searched then.
const field = document.querySelector(".bd-search-container input[name=q]");
field.focus();
field.addEventListener("input", () => {
  if (sections) show(field.value);
  const address = new URL(location.href);
  address.searchParams.set("q", field.value);
  history.replaceState(null, "", address);
});
field.form.addEventListener("submit", (event) => event.preventDefault());
const index = document.querySelector("script[src*='search-index.js']");
index.addEventListener("load", () => {
  read(SEARCH_INDEX);
  show(field.value);
});
index.addEventListener("error", () => {
  document.getElementById("search-status").textContent = "The index did not come; load the page once more.";
});
