// Ranks what the search finds: pages, methods and headings that are called what is asked for come before those that only
// hold the words. `sitePages` and `siteMembers` (pages.js) and `siteHeadings` (headings.js) say what there is; how each
// row reads stands in tools/site/search_pages.py.
if (typeof Search !== "undefined") {
  // The same thousands of titles are taken apart for each question.
  const memo = compute => {
    const known = new Map();
    return text => {
      let found = known.get(text);
      if (found === undefined) known.set(text, (found = compute(text)));
      return found;
    };
  };
  const split = memo(text =>
    text
      .toLowerCase()
      .split(/[^\p{Letter}\p{Number}]+/u)
      .filter(word => word && word !== "eagerflow" && word !== "keras" && word !== "ef"),
  );
  const stemmer = new Stemmer();
  const stem = memo(word => stemmer.stemWord(word));
  const spaced = text =>
    text.replace(/([a-z0-9])([A-Z])/g, "$1 $2").replace(/([A-Z])([A-Z][a-z])/g, "$1 $2").replace(/crossentropy/gi, "cross entropy");
  const words = memo(text => split(spaced(text)).map(stem)); // BatchNormalization has two
  const all = memo(text => [...new Set([...split(text).map(stem), ...words(text)])]);
  const joined = memo(text => split(text).join(""));
  const last = name => name.slice(name.lastIndexOf(".") + 1);

  // What people write for what pages say.
  const MEANT = {
    lr: "learning rate", bn: "batch normalization", batchnorm: "batch normalization", layernorm: "layer normalization",
    nn: "network", rnn: "recurrent rnn", cnn: "convolutional", mha: "multi head attention", oom: "out of memory",
    crossentropy: "cross entropy", jupyter: "notebook", colab: "notebook", ipynb: "notebook", cuda: "gpu", cupy: "gpu",
    torch: "pytorch", mpi: "machines", horovod: "machines", ddp: "machines", multinode: "machines", autograd: "gradients",
    backprop: "gradients", backpropagation: "gradients", faster: "speed", slow: "speed", slower: "speed", augment: "augmentation",
    infer: "predict", inference: "predict", vis: "viz", port: "migrate", porting: "migrate", switch: "migrate", two: "multiple",
    three: "multiple", several: "multiple", many: "multiple", single: "one", imbalance: "unbalanced",
    imbalanced: "unbalanced", picture: "image", photo: "image", fp16: "float16", bf16: "bfloat16", fp32: "float32",
    fp64: "float64", hyperparams: "hyperparameter", hparams: "hyperparameter", videos: "video", df: "dataframe",
  };

  // What stands in questions and says nothing of what they are about; Sphinx leaves out "a", "the" and the like by itself.
  const FILLERS = new Set("use using why my does doesn always an of is are with it its".split(" "));

  const KINDS_OF_NAMES = new Set("layer function class method argument parameter option keras".split(" ").map(stem));

  // The words of a question: without "how do I", and each as one of several that would do.
  const askedOf = query => {
    const given = split(query.replace(/^\s*(?:tf\.nn|tf\.math|np|numpy|jnp|tf|torch|F|K)\./, "")); // np.where
    const kept = given.filter(word => !stopwords.has(word) && !FILLERS.has(word));
    return (kept.length ? kept : given).map(word => ({
      stems: [...new Set([word, stem(word)])],
      meant: words(MEANT[word] || ""),
    }));
  };
  // A word fits one that it begins, or one of the same stem: "saving" and "save". Short ones must be whole words.
  const fitsStem = (asked, word) => word === asked || (asked.length > 2 && word.startsWith(asked));
  const fits = ({ stems, meant }, there) =>
    stems.some(asked => there.some(word => fitsStem(asked, word))) ||
    (meant.length > 0 && meant.every(asked => there.some(word => fitsStem(asked, word))));

  const plain = query => query.toLowerCase().trim();
  const stemmed = memo(text => split(text).map(stem).join(" "));
  const phrase = asked => asked.flatMap(({ stems, meant }) => (meant.length ? meant : [stems[stems.length - 1]])).join(" ");

  // Of names that are called the same: what people mean more often.
  const OFTEN = { eagerflow: 3, layers: 2.5, losses: 2.5, ops: 2, callbacks: 1.5, optimizers: 1, viz: 1, metrics: 0.5 };
  const SELDOM = /^reference\/(compat|preprocessing|wrappers|utils|backend|distillation|saving\/KerasFileEditor)/;
  const LISTS = /^(reference\/types|keras|changelog|internals\/.*)$/;
  const FAULTS = /^doctor\/(?!index)/; // who asks for `attention mask` wants one, and not what is wrong with it
  const common = new Map((window.siteCommon || []).map((page, at, { length }) => [page, 0.4 * (1 - at / length)]));
  const favour = page => (common.get(page) || 0) + kindOf(page);
  const kindOf = page =>
    FAULTS.test(page) ? -6 : LISTS.test(page) ? -5 : SELDOM.test(page) ? -3 : page.startsWith("reference/") ? (OFTEN[page.split("/")[1]] ?? 0) : 0;

  // `EarlyStopping`, `class_weight`: a name in a program, and no words of a language.
  const isName = query => /^\w*([a-z][A-Z]|_)\w*$/.test(query.trim()) && plain(query) !== "nan"; // `NaN` is a word
  const takes = (query, parameters) => isName(query) && (parameters || "").split(" ").includes(query.trim());
  // `attention mask`: the words of a parameter's name.
  const takesWords = (asked, parameters) => {
    const kept = asked.map(({ stems }) => stems[stems.length - 1]).join(" ");
    return asked.length > 1 && (parameters || "").split(" ").some(name => name.includes("_") && stemmed(name) === kept);
  };
  // `LSTM return_sequences`, `MultiHeadAttention mask`, `conv2d padding same`: what is called so, and takes that. A word
  // behind a parameter's name is its value.
  const takesAll = (query, names, parameters) => {
    const given = query.trim().split(/[\s=]+/);
    const called = given.findIndex(word => names.some(name => joined(word) && joined(last(name)) === joined(word)));
    const known = (parameters || "").split(" ");
    const isTaken = word => known.some(name => name === word || split(name).includes(word.toLowerCase()));
    const isValue = at => at > 0 && at - 1 !== called && known.includes(given[at - 1]);
    // `Dense layer units`, `units argument of Dense`: what it is doesn't matter.
    const isKind = word => KINDS_OF_NAMES.has(stem(word.toLowerCase())) || all(names[0]).includes(stem(word.toLowerCase()));
    const others = given.filter((word, at) => at !== called && !FILLERS.has(word.toLowerCase()));
    return called >= 0 && others.some(isTaken) && given.every((word, at) => !others.includes(word) || isTaken(word) || isValue(at) || isKind(word));
  };

  // From 0, where nothing fits, to 100, where it is the very name.
  const named = (query, asked, [page, title, summary, others, parameters]) => {
    const names = [title, ...others];
    const whole = joined(query.replace(/^\s*(?:tf\.nn|tf\.math|np|numpy|jnp|tf|torch|F|K)\./, ""));
    const isList = page.startsWith("reference/") && page.endsWith("/index");
    const most = !isList ? 100 : joined(last(title)) === whole ? 88 : 70;
    if (page === "reference/types" && !names.includes(query.trim())) return 0; // `seed` isn't the type `Seed`
    if (names.some(name => name.toLowerCase() === plain(query))) return most;
    if (takesAll(query, names, parameters)) return 97;
    const isPhrase = name => name.includes(" ") && isName(query);
    if (names.some(name => joined(name) === whole && !isPhrase(name))) return Math.min(95, most);
    if (names.some(name => last(name) === query.trim())) return Math.min(92, most);
    if (names.some(name => joined(last(name)) === whole)) return Math.min(90, most);
    if (takes(query, parameters)) return 89;
    if (joined(page.slice(page.lastIndexOf("/") + 1)) === whole) return 88;
    const kept = asked.map(({ stems }) => stems[stems.length - 1]).join(" ");
    if (others.some(name => stemmed(name) === kept || stemmed(name) === phrase(asked))) return 84;
    if (takesWords(asked, parameters)) return 82;
    const subject = title.split(":")[0];
    const called = words(last(subject));
    const inTitle = all(title);
    const hit = asked.filter(word => fits(word, inTitle)).length;
    const inName = asked.filter(word => fits(word, called)).length; // the rest stands in the module: `layer norm`
    if (hit === asked.length) return Math.min(most, 80 - 3 * Math.max(0, called.length - inName) - 2 * (hit - inName));
    if (whole.length > 4 && joined(title).includes(whole)) return 72 - Math.min(20, joined(title).length - whole.length);
    if (others.some(name => asked.every(word => fits(word, all(name))))) return 68;
    if (others.some(name => asked.every(word => fits(word, [...inTitle, ...all(name)])))) return 55;
    if (others.some(name => holds(asked, name))) return 54;
    const said = [...inTitle, ...all(summary)];
    const told = asked.filter(word => fits(word, said)).length;
    if (told === asked.length) return 40 + Math.min(10, 10 * hit);
    return asked.length > 2 && told >= asked.length - 1 ? 20 + 5 * hit : 0;
  };
  // By the phrases of readers whose answer a page is. Where one is the very question, a text that explains the subject
  // comes before the names that are a part of it.
  const meant = (query, asked, [page, title, , , , phrases = []]) => {
    const less = page.startsWith("reference/") ? [88, 80, 64] : [100, 84, 68];
    if (phrases.some(name => joined(name) === joined(query)) && !isName(query)) return less[0];
    if (phrases.some(name => stemmed(name) === phrase(asked))) return less[1];
    if (phrases.some(name => asked.every(word => fits(word, all(name))))) return less[2];
    if (phrases.some(name => asked.every(word => fits(word, [...all(title), ...all(name)])))) return 55;
    return phrases.some(name => holds(asked, name)) ? 54 : 0;
  };
  // What every module has comes behind the module's own names.
  const ofEvery = ([page, title], query) => (/\/(serialize|deserialize|get)$/.test(page) && joined(last(title)) !== joined(query) ? 12 : 0);
  const score = (query, asked, row) => Math.max(0, Math.max(named(query, asked, row), meant(query, asked, row)) - ofEvery(row, query));
  // `change learning rate during training`: most of the words are a phrase that leads there.
  const holds = (asked, name) => {
    const inside = all(name);
    const hit = asked.filter(word => fits(word, inside)).length;
    return inside.length > 2 && hit >= inside.length && hit >= 0.6 * asked.length;
  };

  // A method that a phrase leads to: the phrase itself, or all words of it that are asked for.
  const meantByPhrase = (asked, phrases) => {
    if (phrases.some(name => stemmed(name) === phrase(asked))) return 84;
    return phrases.some(name => asked.every(word => fits(word, all(name)))) ? 68 : 0;
  };

  // A heading counts a little less than the title of a page that says the same.
  const headingScore = (query, asked, title, pageTitle, others) => {
    if (isName(query) && others.includes(query.trim())) return 93; // an argument of many functions, told of here
    const isCode = query.includes(".") || isName(query); // viz.diff is the function, viz diff the command
    if (!isCode && others.some(name => joined(name) === joined(query) || stemmed(name) === phrase(asked))) return 101;
    // `attention mask` for attention_mask: as with parameters, the words of a name count less than the name.
    if (joined(title) === joined(query)) return title.includes("_") && !isName(query) ? 83 : 86;
    if (others.some(name => asked.every(word => fits(word, all(name))))) return 80;
    const inTitle = all(title);
    const hit = asked.filter(word => fits(word, inTitle)).length;
    if (hit === asked.length) return 79 - 2 * Math.max(0, words(title).length - hit);
    return hit && asked.every(word => fits(word, [...inTitle, ...all(pageTitle)])) ? 54 : 0;
  };

  // A message that was pasted, or a part of it: three words and more, all of which it has.
  const isQuoted = (query, asked, quotes) =>
    split(query).length > 2 && quotes.some(quote => asked.every(word => fits(word, all(quote))));

  // `Conv2D backward`, `lstm gradient`: a class stands in the question, by its name or by one that is no word, and its
  // page holds the rest. It comes before all texts that hold these words.
  const NAMED_IN_IT = 57;
  const isAsked = (query, name) =>
    query.split(/[\s.,()]+/).some(word => (word === name && /^[A-Z]/.test(name)) || (/\d|[A-Z].*[A-Z]/.test(name) && joined(word) === joined(name)));

  // What tells of everything, and answers little: only asked for by its name does it come first.
  const LAST = /^(changelog|internals\/contributing|genindex|py-modindex)$/;

  // What layers call of each other, and readers seldom. A method that many classes have is told of best by their base.
  const INTERNAL = /\.(build|compute_\w+|(load|save)_own_variables|(get|from)_config|\w+_(from|compile|build)_config|stateless_\w+)$/;
  const PER_CLASS = 2;
  const lowered = members => {
    const counts = new Map();
    for (const [, title] of members) counts.set(last(title), (counts.get(last(title)) || 0) + 1);
    return (page, title) =>
      (INTERNAL.test(title) ? 15 : 0) + (counts.get(last(title)) > PER_CLASS && !page.startsWith("reference/eagerflow/") ? 10 : 0);
  };

  const isClass = page => Number(/\/[A-Z]\w*$/.test(page));

  const candidates = (query, asked) => {
    const titles = new Map(window.sitePages.map(([page, title]) => [page, title]));
    const found = [];
    const less = lowered(window.siteMembers);
    for (const row of window.sitePages) found.push([score(query, asked, row), row[0], row[1], ""]);
    for (const [page, title, anchor, summary, parameters, others = []] of window.siteMembers) {
      const exact = joined(title) === joined(query) ? 99 : joined(last(title)) === joined(query) ? 91 : 0;
      const near = asked.length > 1 && asked.every(word => fits(word, all(title))) ? 74 - 2 * (words(title).length - asked.length) : 0;
      const names = title.endsWith(".call") ? [title, title.slice(0, -".call".length)] : [title]; // what a layer is called with
      const taking = takesAll(query, names, parameters) ? 97 : takes(query, parameters) ? 89 + Number(title.endsWith(".fit")) / 2 : takesWords(asked, parameters) ? 82 : 0;
      const said = [...all(title), ...all(summary)];
      const telling = asked.length > 2 && asked.filter(word => fits(word, said)).length >= asked.length - 1 ? 24 + 5 * asked.filter(word => fits(word, said)).length : 0;
      const meaning = meantByPhrase(asked, others);
      found.push([exact || taking || meaning || Math.max(0, (near || telling) - less(page, title)), page, title, anchor]);
    }
    for (const [page, anchor, title, others, , quotes = []] of window.siteHeadings || []) {
      const pageTitle = titles.get(page) || "";
      const points = isQuoted(query, asked, quotes) ? 90 : headingScore(query, asked, title, pageTitle, others);
      found.push([points, page, `${title} (${pageTitle})`, anchor]);
    }
    return found.filter(([points]) => points > 0).map(([points, page, ...rest]) => [points + favour(page), page, ...rest]);
  };

  // Words of names and headings, and how often each stands there: what a mistyped word may have meant.
  const wordsOfNames = () => {
    const counts = new Map();
    const add = text => new Set([...split(text), ...split(spaced(text)), joined(last(text))]).forEach(word => counts.set(word, (counts.get(word) || 0) + 1));
    for (const [, title, , others, , phrases = []] of window.sitePages) [title, ...others, ...phrases].forEach(add);
    for (const [, title] of window.siteMembers) add(title);
    for (const [, , title, others] of window.siteHeadings || []) [title, ...others].forEach(add);
    return counts;
  };
  let known = null;
  const isKnown = word =>
    MEANT[word] || stopwords.has(word) || Object.hasOwn(Search._index?.terms || {}, stem(word)) ||
    Object.hasOwn(Search._index?.titleterms || {}, stem(word)) || [...known.keys()].some(there => fitsStem(word, there) || stem(there) === stem(word));

  // How many letters must be put in, left out, changed or swapped to make one word of the other; 3 for all that is more.
  const apart = (one, other) => {
    if (Math.abs(one.length - other.length) > 2) return 3;
    let before = [], row = Array.from({ length: other.length + 1 }, (_, j) => j);
    for (let i = 1; i <= one.length; i += 1) {
      const next = [i];
      for (let j = 1; j <= other.length; j += 1) {
        const same = one[i - 1] === other[j - 1];
        next[j] = Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + !same);
        if (i > 1 && j > 1 && one[i - 1] === other[j - 2] && one[i - 2] === other[j - 1]) next[j] = Math.min(next[j], before[j - 2] + 1);
      }
      [before, row] = [row, next];
    }
    return Math.min(3, row[other.length]);
  };

  // `tensorbord`: a word that stands nowhere is taken for the one most like it, where one is.
  const meantBy = query =>
    query.replace(/[\p{Letter}\p{Number}]+/gu, given => {
      const word = given.toLowerCase();
      known = known || wordsOfNames();
      if (word.length < 4 || !split(word).length || isKnown(word)) return given;
      const most = word.length < 7 ? 1 : 2;
      const [best] = [...known]
        .map(([there, count]) => [apart(word, there) + (there[0] === word[0] ? 0 : 0.5), -count, there])
        .filter(([far]) => far <= most)
        .sort(([a, m], [b, n]) => a - b || m - n);
      return best ? best[2] : given;
    });
  let hasTold = false; // of the present question
  const tell = textContent => {
    if (hasTold || !Search.output) return;
    hasTold = true;
    const note = Object.assign(document.createElement("p"), { className: "meant", textContent });
    note.setAttribute("role", "status");
    Search.output.before(note);
  };

  // Where no page has all words: those that have most of them, words that stand on few pages first.
  const withSomeOf = (asked, inTexts) => {
    const found = new Map();
    for (const { stems: [word] } of asked) {
      const pages = new Map(inTexts(word).map(answer => [answer[0], answer])); // the best comes last, and stays
      for (const [page, answer] of pages) {
        const before = found.get(page) || { points: 0, words: 0, answer };
        found.set(page, { points: before.points + 1 / (1 + Math.log(pages.size)), words: before.words + 1, answer: before.answer });
      }
    }
    const some = [...found.values()].filter(({ answer: [page] }) => !LAST.test(page));
    return some.sort((a, b) => b.words - a.words || b.points - a.points).slice(0, 20).map(({ answer }) => answer);
  };

  // Sphinx reads the page of each answer that it shows: of many answers only the best, the others when they are asked for.
  const MOST = 40;
  let left = [], terms = [], total = 0;
  const inFullText = Search._performSearch;
  Search._performSearch = (...asked) => {
    hasTold = false;
    const found = perform(...asked);
    total = found.length;
    terms = [asked[1], asked[3]];
    left = found.splice(0, Math.max(0, total - MOST)); // the best come last
    return found;
  };
  const stopPulse = Search.stopPulse;
  Search.stopPulse = () => {
    stopPulse.call(Search);
    if (left.length && Search.output) queueMicrotask(offerOthers); // behind what Sphinx then says of the number
  };
  const offerOthers = () => {
    Search.status.textContent = `Search finished, found ${total} pages. The best ${MOST} are shown.`;
    const button = Object.assign(document.createElement("button"), { type: "button", textContent: `Show all ${total}` });
    const item = Object.assign(document.createElement("li"), { className: "others" });
    item.dataset.told = "";
    item.append(button);
    Search.output.append(item);
    button.addEventListener("click", () => {
      item.remove();
      [shown, left] = [left, []];
      _displayNextItem(shown, total, ...terms);
    });
  };
  const perform = (given, ...further) => {
    const query = meantBy(given);
    if (query !== given) tell(`No page has “${given}”. Showing answers to “${query}” instead.`);
    const asked = askedOf(query);
    const taken = words => (Search._parseQuery ? Search._parseQuery(words) : [words]);
    const text = inFullText(...(query === given ? [given, ...further] : taken(query))).reverse();
    const place = new Map();
    text.forEach((found, at) => place.has(found[0]) || place.set(found[0], at));
    const best = new Map(); // of each page: itself, or one of its methods or headings
    for (const found of asked.length ? candidates(query, asked) : []) {
      const before = best.get(found[1]);
      if (!before || found[0] > before[0]) best.set(found[1], found);
    }
    for (const [page, title] of asked.length > 1 ? window.sitePages : []) {
      if (place.has(page) && !best.has(page) && isAsked(query, last(title))) best.set(page, [NAMED_IN_IT + favour(page), page, title, ""]);
    }
    const ranked = [...best.values()]
      .filter(([points, page]) => !LAST.test(page) || points > 75)
      .sort(([a, p], [b, q]) => b - a || isClass(q) - isClass(p) || (place.get(p) ?? 1e6) - (place.get(q) ?? 1e6))
      .slice(0, 50);
    const first = ranked.map(([points, page, title, anchor]) => [page, title, anchor && `#${anchor}`, null, points, `${page}.md`, "title"]);
    const there = new Set(first.flatMap(([page, , anchor]) => [page, page + anchor]));
    const isNew = ([page, , anchor, , , , kind]) => !there.has(page) || (anchor && kind !== "object" && !there.has(page + anchor));
    const rest = text.filter(isNew);
    // Names whose summaries happen to hold the words come after the texts that hold them.
    const isWeak = ([page, , anchor, , points]) => points < 50 && page.startsWith("reference/") && !anchor;
    const rank = ([page]) => (LAST.test(page) ? 3 : LISTS.test(page) ? 2 : page.startsWith("reference/") ? 1 : 0);
    const inOrder = at => rest.filter(found => rank(found) === at);
    const weak = first.filter(isWeak);
    shown = [...first.filter(found => !isWeak(found)), ...inOrder(0), ...weak, ...inOrder(1), ...inOrder(2), ...inOrder(3)].reverse();
    if (!shown.length && asked.length > 1) {
      const there = asked.filter(({ stems: [word] }) => inFullText(...taken(word)).length);
      if (there.length) tell(`No page has all of “${given}”. These have some of the words.`);
      if (there.length < asked.length) return there.length ? perform(...taken(there.map(({ stems: [word] }) => word).join(" "))) : [];
      shown = withSomeOf(asked, word => inFullText(...taken(word))).reverse();
      taken(query); // what is marked on the pages: Sphinx keeps the words that it parsed last
    }
    return shown;
  };

  // The search page answers while one types. Sphinx shows answers one by one and takes each out of their list: those of
  // the question before are dropped.
  let shown = [];
  const begin = Search.performSearch;
  Search.performSearch = query => {
    shown.length = 0; // in the box above a page, too
    return begin(query);
  };
  let waiting = 0;
  const again = query => {
    document.getElementById("search-results").replaceChildren();
    Search.performSearch(query);
    history.replaceState(null, "", `?q=${encodeURIComponent(query)}`);
  };
  document.addEventListener("input", event => {
    const box = event.target;
    if (box.name !== "q" || box.closest("dialog") || !document.getElementById("search-results")) return;
    clearTimeout(waiting);
    const query = box.value.trim();
    if (query.length > 1) waiting = setTimeout(() => again(query), 150);
  });

  // Each answer says what kind of page it is, and gets the summary of its page.
  const KINDS = [
    [/^reference\//, "API"], [/^tutorials\//, "Tutorial"], [/^doctor\//, "Doctor"], [/^gallery\//, "Gallery"], [/^errors$/, "Errors"],
    [/^internals\//, "Internals"], [/^benchmarks$/, "Benchmarks"], [/^changelog$/, "Changelog"], [/^(source|genindex)/, "Source"],
  ];
  const kindNamed = page => (KINDS.find(([pattern]) => pattern.test(page)) || [null, "Guide"])[1];

  document.addEventListener("DOMContentLoaded", () => {
    const summaries = new Map(window.sitePages.map(([page, , summary]) => [`${page}.html`, summary]));
    for (const [page, , anchor, summary] of window.siteMembers) summaries.set(`${page}.html#${anchor}`, summary);
    for (const [page, anchor, , , said] of window.siteHeadings || []) if (said) summaries.set(`${page}.html#${anchor}`, said);
    const tellIn = results => {
      for (const item of results.querySelectorAll("ul.search > li:not([data-told])")) {
        item.dataset.told = "";
        const address = item.querySelector("a").getAttribute("href").replace(/\?[^#]*/, "");
        const [page, anchor] = address.replace(/^(\.\.?\/)+/, "").split("#");
        const kind = Object.assign(document.createElement("span"), { textContent: kindNamed(page.replace(/\.html$/, "")), className: "kind" });
        item.querySelector("a").after(kind);
        const summary = summaries.get(`${page}#${anchor}`) || summaries.get(page);
        if (summary) item.appendChild(Object.assign(document.createElement("p"), { textContent: summary, className: "told" }));
      }
    };
    // The search page has a place for answers, the box above other pages gets one.
    for (const id of ["search-results", "pst-search-dialog"]) {
      const place = document.getElementById(id);
      if (place) new MutationObserver(() => tellIn(place)).observe(place, { childList: true, subtree: true });
    }
  });
}
