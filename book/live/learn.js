// The page that learns: a network trains from random weights in a worker while a reader watches and changes what it
// learns by. What is learned is in learning.js, what the worker does in lesson.js; here stands what is seen and touched.

(() => {
  "use strict";

  const root = document.getElementById("learn");
  if (!root) return;
  const $ = (name) => document.getElementById(`learn-${name}`);
  const all = (selector) => [...root.querySelectorAll(selector)];
  const still = window.matchMedia("(prefers-reduced-motion: reduce)"); // then it shows each pass over the images, and no more
  const { amount, css, dot, fresh, line, oneStop, paint, powerOfTen, sayWhyOff, setOff, short, SUM } = canvases;
  const SIDE = 28;
  const SCRIPTS = ["lesson", "kernels", "training"]; // which come when they are first wanted

  // What the sliders choose.
  const SLIDERS = {
    "alpha-gen": [1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1],
    "alpha-disc": [0.01, 0.1, 1, 10],
    rate: [0.1, 0.2, 0.5, 1, 1.5, 2, 4, 10],
    steps: [0, 1, 2, 4, 8],
  };
  const CALLED = { "alpha-gen": "α gen", "alpha-disc": "α disc", rate: "step", steps: "steps" };
  const FIELDS = { "alpha-gen": "alpha_gen", "alpha-disc": "alpha_disc", rate: "step_size", steps: "steps" };

  // What each button changes of the settings. The page asks what will come of it, and at the end says what came.
  const WHAT_IFS = {
    usual: {},
    "no-settling": { steps: 0 },
    "wrong-order": { wrong_order: true },
    "too-long": { step_size: 10, steps: 4 },
  };

  const NAMES = { usual: "As it should be", "no-settling": "No settling", "wrong-order": "Wrong order", "too-long": "Step too long" };

  // What a reader may guess before a run, and which of it came, as the run was measured.
  const FINE = 950; // of 1,000: as the run as it should be reads, or nearly so
  const GUESSES = {
    usual: {
      words: ["the drawings", "the reading", "together"],
      came() {
        const { reading, drawings } = firsts();
        return drawings < reading ? 0 : reading < drawings ? 1 : 2;
      },
    },
    "no-settling": {
      words: ["yes, as well", "yes, but worse", "no"],
      came: () => (accuracy() >= FINE ? 0 : accuracy() >= 300 ? 1 : 2),
    },
    "wrong-order": {
      words: ["the energy", "reading, drawings", "all"],
      came: () => (accuracy() >= 300 ? 0 : sum(state.points.at(-1)) < sum(state.points[0]) ? 1 : 2),
    },
    "too-long": {
      words: ["fall more slowly", "swing", "blow up"],
      came: () => (state.frame.state === "diverged" ? 2 : state.frame.spoilt ? 1 : 0),
    },
    rule: {
      words: ["to read", "to draw", "both"],
      came() {
        const { likes } = state.frame.drawings;
        const draws = likes.reduce((a, b) => a + b) / likes.length > 0.5; // like the mean images
        return !draws ? 0 : accuracy() >= 500 ? 2 : 1;
      },
    },
  };

  const state = {
    guess: null, // which of the three
    rule: "bidirectional",
    what_if: "usual",
    touched: false, // whether the reader changed what the rule learns by
    settings: null,
    changes: {}, // what was changed since the run began, in words
    pace: 0, // batches a frame; 0 is as many as there are
    running: false, // whether it should run once it is there
    resumed: 0, // the batch after which it last went on from a pause
    run: 0, // counts the runs, so that a frame of an earlier one is known
    frame: null, // the last that came
    points: [], // of the lines of the energies
    accuracies: [],
    fault: null, // where a run diverged, until another is chosen
    mended: false, // whether a later one has passed that place
    ran: null, // what the run is called, and whether it is the one as it should be
    kept: { usual: null, last: null }, // earlier runs, to see the next beside them
  };
  let worker = null;
  let ready = false; // whether it has the digits

  // The worker -----------------------------------------------------------------------------------------------------

  function load(name) {
    return new Promise((done, failed) => {
      const script = document.createElement("script");
      script.src = `${root.dataset.scripts}${name}.js`;
      script.onload = done;
      script.onerror = () => failed(new Error(`${name}.js did not come`));
      document.head.append(script);
    });
  }

  const LOADING = "Loading 2 MB: 20,000 images to learn from, and 1,000 to test with.";

  // From a disk a browser makes no worker of a file, but of a text.
  async function wake() {
    if (root.dataset.state === "waiting") return;
    setState("waiting");
    say(LOADING);
    try {
      for (const name of SCRIPTS) await load(name);
    } catch {
      setState("failed");
      return say("The digits did not come: press Train to try again.");
    }
    const text = `const lesson = (${makeLesson})((${makeLearning})(), (message) => postMessage(message));
      onmessage = ({ data }) => lesson(data);`;
    const address = URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
    worker = new Worker(address);
    URL.revokeObjectURL(address);
    worker.onmessage = ({ data }) => heard[data.type](data);
    worker.onerror = ({ message }) => heard.failed({ reason: message });
    worker.postMessage({ type: "digits", digits: bpcTraining, kernels: bpcKernels });
    delete globalThis.bpcTraining; // the worker has them
  }

  const heard = {
    ready() {
      ready = true;
      begin(state.running, state.iterations);
    },
    failed({ reason }) {
      setState("failed");
      say(`This browser cannot train: ${reason}.`);
      worker?.terminate();
      worker = null;
      ready = false;
    },
    // Between two frames that are a pass apart: how far it is, and nothing that moves.
    at({ run, iteration }) {
      if (run === state.run && state.frame) showAt({ ...state.frame, iteration });
    },
    frame(frame) {
      root.dataset.messages = Number(root.dataset.messages ?? 0) + 1;
      if (frame.run !== state.run) return;
      state.points.push(...frame.points);
      state.accuracies.push(...frame.accuracies);
      state.frame = frame;
      state.ran = { name: named(), usual: state.what_if === "usual" };
      requestAnimationFrame(() => {
        if (frame !== state.frame || frame.run !== state.run) return;
        show();
        worker.postMessage({ type: "seen", run: frame.run });
      });
    },
  };

  // Before it is pressed there is a network too: that of the random weights, which draws noise.
  function atRandom() {
    const { sizes, seed, pixel_mean, pixel_std } = state.settings;
    const L = sizes.length - 1;
    const weights = makeLearning().randomWeights({ sizes, seed });
    const map = (W, inputs, outputs) => ({ W, inputs, outputs, bias: new Float32Array(outputs) });
    const network = {
      sizes, L,
      activation: { of: (z) => Math.max(z, 0) },
      generator: weights.slice(0, L).map((W, l) => map(W, sizes[l], sizes[l + 1])),
      amortiser: weights.slice(L).map((W, l) => map(W, sizes[l + 1], sizes[l])),
    };
    return [...Array(sizes[0]).keys()].flatMap((k) => [
      ...bpc.denormalise(bpc.sweepDown(network, bpc.oneHot(k))[L], { pixel_mean, pixel_std }).map((x) => Math.round(255 * Math.min(1, Math.max(0, x)))),
    ]);
  }

  const found = {}; // once for each rule
  function showRandom() {
    state.frame = { drawn: (found[state.rule] ??= atRandom()), wrong: [] };
    showTiles();
    nameDrawings({ drawings: null });
    state.frame = null;
    $("accuracy").value = "–";
    $("wrong-count").value = "–";
    $("measured").textContent = reads() ? "not measured yet" : EACH_PASS;
    say(root.dataset.state === "waiting" ? LOADING : "Random weights: what they draw is noise. Press Train, and watch.");
  }

  // One that wants less motion sees one frame a pass.
  const pace = () => (still.matches ? "pass" : state.pace);

  // From random weights, with the settings as they are; for so many iterations, or until it is paused.
  function begin(running, iterations) {
    Object.assign(state, { running, iterations }); // for when it is ready
    if (!worker) return void wake();
    if (!ready) return;
    keep();
    state.run += 1;
    state.points = [];
    state.accuracies = [];
    state.changes = {};
    state.resumed = 0;
    state.mended = false;
    nameCharts({ iteration: 0 });
    nameDrawings({ drawings: null });
    setState("waiting");
    root.dataset.iteration = 0;
    say(`${named()}: starts from random weights.`);
    worker.postMessage({ type: "begin", settings: state.settings, run: state.run, pace: pace(), running, iterations });
  }

  // A run that has come somewhere stays as a dotted line: the last one as it should be beside all others, and beside that
  // the one before it.
  function keep() {
    const { ran, points, accuracies, frame } = state;
    if (!ran || !points.length) return;
    const run = { ...ran, points, accuracies, ended: frame.state === "ended", diverged: frame.state === "diverged" };
    Object.assign(run, { end: measured(frame), iteration: frame.iteration, batches: ownBatches(frame) });
    state.kept.last = run;
    if (run.usual && !(state.kept.usual?.points.length > points.length)) state.kept.usual = run;
  }
  function beside() {
    const { usual, last } = state.kept;
    return state.what_if === "usual" ? last : (usual ?? last);
  }
  const sum = ({ e, d }) => e + d;
  // The energies that stand in the words: of the last batch, which differs from the next by chance; and at the end of a
  // run the mean of its last batches, where its line ends.
  const measured = ({ state: now, last }) => (now === "ended" ? state.points.at(-1) : last);

  function change(changes = {}) {
    Object.assign(state.settings, changes);
    worker?.postMessage({ type: "change", changes, names: Object.values(state.changes), pace: pace() });
  }

  function setState(name) {
    root.dataset.state = name; // what a test waits for
    const busy = name === "waiting";
    const loads = name === "asleep" || name === "failed";
    $("run").textContent = name === "running" ? "Pause" : loads ? "Train (loads 2 MB)" : busy && !ready ? "Loading 2 MB" : over() ? (offered() ? "Again" : "Train again") : "Train";
    const waits = busy && (ready ? "It is starting." : "It is loading.");
    for (const name of ["run", "back"]) setOff($(name), waits);
    setOff($("once"), waits || (over() && "The run is over: Start over goes back to its beginning."));
    showTold();
  }
  const offered = () => root.dataset.state === "diverged" && state.settings.step_size > 1; // four buttons need short words
  const over = () => ["ended", "diverged"].includes(root.dataset.state);
  const disabled = (name) => $(name).getAttribute("aria-disabled") === "true";

  // Drawing --------------------------------------------------------------------------------------------------------

  let ink, blue, red;
  const mixColours = () => ({ ink, blue, red } = canvases.colours(root));

  const tiles = (parent) => [...parent.children].map(({ children: [canvas, words] }) => ({ canvas, words }));
  const drawn = tiles($("drawn"));
  const wrong = tiles($("wrong"));

  // Drawings so faint that they would look empty, as those of random weights, are shown with their contrast raised.
  const FAINT = 64; // of 255, from the palest pixel to the darkest
  function shades() {
    const bytes = state.frame?.drawn;
    if (!bytes) return () => 0;
    const [low, high] = bytes.reduce(([low, high], x) => [Math.min(low, x), Math.max(high, x)], [255, 0]);
    const raised = low < high && high - low < FAINT;
    $("raised").classList.toggle("live-none", !raised);
    return (i) => (raised ? 0.8 * ((bytes[i] - low) / (high - low)) : bytes[i] / 255);
  }

  function showTiles() {
    const { frame } = state;
    const shade = shades();
    drawn.forEach(({ canvas }, k) => paint(canvas, (i) => [blue, shade(SIDE * SIDE * k + i)]));
    wrong.forEach(({ canvas, words }, k) => {
      const one = frame?.state === "diverged" ? null : frame?.wrong[k]; // a network that blew up reads nothing
      paint(canvas, (i) => [ink, one ? one.pixels[i] / 255 : 0]);
      words.textContent = one ? `${one.label} as ${one.says}` : "\u00a0";
    });
  }

  const TICKS = 46; // wide, at the right
  const FOOT = 16; // high, for the batches
  // The charts end with the first hundred batches, the first pass, or the run: what is over soon fills them too. Beside an
  // earlier run they keep its axes, so that the two can be compared; but what has diverged is shown from near.
  const ownBatches = ({ iteration, perPass, total }) => [100, perPass].find((batches) => iteration <= batches) ?? total ?? 1;
  function lastBatch() {
    const frame = state.frame ?? {};
    return frame.state === "diverged" ? ownBatches(frame) : Math.max(ownBatches(frame), beside()?.batches ?? 0);
  }
  const scaleX = (width) => (iteration) => 2 + (iteration / lastBatch()) * (width - 6 - TICKS);

  function showFoot(context, width, height) {
    if (!state.frame?.total) return;
    context.font = "11px system-ui, sans-serif";
    context.textAlign = "end";
    context.fillStyle = css(ink, 0.7);
    context.fillText(`batch ${lastBatch()}`, width - TICKS, height - 3);
  }

  function gridline(context, width, y, text) {
    line(context, css(ink, 0.16), [[0, y], [width - TICKS, y]]);
    context.font = "11px system-ui, sans-serif";
    context.textAlign = "right";
    context.fillStyle = css(ink, 0.7);
    context.fillText(text, width - 2, y + 4);
  }

  // An earlier run, as far as the chart goes: faint, and dotted.
  function showKept(context, all, place) {
    const found = all?.filter((point) => point.iteration <= lastBatch() && (point.accuracy !== undefined || sum(point) > 0)).map(place);
    if (!found?.length) return;
    context.setLineDash([1, 4]);
    line(context, css(ink, 0.7), found, 1.8);
    context.setLineDash([]);
  }

  function showAccuracies() {
    const { context, width, height } = fresh($("accuracy-chart"));
    const x = scaleX(width);
    const y = (accuracy) => height - FOOT - 6 - (accuracy / 100) * (height - FOOT - 12);
    showFoot(context, width, height);
    context.setLineDash([2, 4]);
    line(context, css(ink, 0.6), [[0, y(10)], [width - TICKS, y(10)]]);
    context.setLineDash([]);
    context.font = "11px system-ui, sans-serif";
    context.textAlign = "right";
    context.fillStyle = css(ink, 0.7);
    context.fillText("chance", width - 2, y(10) + 4); // beside the lines, which would cross it out
    for (const level of [0, 25, 50, 75, 100]) gridline(context, width, y(level), `${level} %`);
    const points = state.accuracies.map(({ iteration, accuracy }) => [x(iteration), y(accuracy)]);
    showKept(context, beside()?.accuracies, ({ iteration, accuracy }) => [x(iteration), y(accuracy)]);
    if (!points.length) return;
    line(context, css(ink), points, 2);
    dot(context, css(ink), points[points.length - 1], 3);
  }

  function showEnergies() {
    const { context, width, height } = fresh($("energy-chart"));
    const { points } = state;
    const x = scaleX(width);
    const earlier = beside();
    const kept = earlier?.points.filter(({ iteration }) => iteration <= lastBatch()) ?? [];
    const scale = [...points, ...(earlier && !earlier.diverged ? earlier.points : [])]; // what blew up leaves the chart
    const values = scale.flatMap(({ e, d, before }) => [e, d, before]).filter((value) => value > 0);
    const [top, bottom] = [Math.log10(Math.max(...values, 1)) + 0.1, Math.log10(Math.min(...values, 0.1)) - 0.1];
    const y = (value) => 6 + ((top - Math.log10(value)) / (top - bottom)) * (height - FOOT - 12);
    showFoot(context, width, height);
    const apart = Math.ceil((13 * (top - bottom)) / (height - FOOT)); // so that no two ticks touch
    for (let n = Math.ceil(bottom); n <= top; n++) gridline(context, width, y(10 ** n), n % apart === 0 ? powerOfTen(n, bottom, top) : "");
    showKept(context, kept, (point) => [x(point.iteration), y(sum(point))]);
    const lines = [
      [css(ink, SUM.alpha), sum, SUM.wide, []], // below the parts, one of which it often is
      [css(blue), ({ e }) => e, 2.5, []],
      [css(red), ({ d }) => d, 2.5, []],
      [css(ink), ({ before }) => before, 1.2, [4, 3]],
    ];
    for (const [colour, of, thick, dashes] of lines) {
      const found = points.filter((point) => of(point) > 0).map((point) => [x(point.iteration), y(of(point))]);
      context.setLineDash(dashes);
      if (found.length) line(context, colour, found, thick);
      context.setLineDash([]);
    }
  }

  // What is said of a state; while it runs, no more often than once a pass.
  const WORDS = {
    running({ iteration, perPass, kernels, changed, changes }) {
      const passes = Math.floor(iteration / perPass);
      const found = passes && state.accuracies.find((point) => point.iteration === passes * perPass);
      const result = found ? ` After ${passes === 1 ? "one pass" : `${passes} passes`}: ${Math.round(10 * found.accuracy)} of 1,000 read rightly, ${ownDrawings(found)}.` : "";
      const since = Math.max(changed, state.resumed);
      const settings = changed ? ` with ${changes.join(", ")}` : `. Learning, in ${kernels}`;
      const from = since ? `goes on from batch ${since}${settings}` : `starts from random weights${settings}`;
      const later = (still.matches ? " Shown after each pass, as you ask for less motion." : "") + (reads() ? "" : ` Reading is ${EACH_PASS}.`);
      return `${named()}: ${from}.${result || later}`;
    },
    ended: ({ drawings }) =>
      `${named()}: the run has ended: ${accuracy()} of 1,000 test images are read rightly, ${ownDrawings(drawings)}. Train again begins anew.`,
    diverged({ iteration, last, limit }) {
      const grown = last && last.e + last.d >= limit ? "off the scale, to more than a million times what it was at first" : "past all numbers";
      return `${named()}: the run diverged at batch ${iteration}: too long steps of settling raised the energy ${grown}. Press Set step to 1, and it trains anew.`;
    },
    paused({ iteration, total, changed, changes }) {
      const result = accuracy() === undefined ? `Reading is ${reads() ? "not measured yet" : EACH_PASS}` : `${accuracy()} of 1,000 read rightly`;
      if (!iteration) return `${named()}: random weights. ${result}. Press Train.`;
      const next = changed && changed === iteration ? ` It goes on with ${changes.join(", ")}.` : "";
      return `${named()}: paused after batch ${iteration} of ${total}. ${result}.${next}`;
    },
  };
  const ownDrawings = ({ own }) => `and ${own} of its own ten drawings`;
  const named = () => NAMES[state.what_if] ?? `${state.touched ? "Your own settings, " : ""}${RULES[state.rule]}${state.settings.wrong_order ? ", in the wrong order" : ""}`;
  const reads = () => state.settings.rule.teaches[1] > 0; // at once, by a sweep; genPC has to settle, which takes a second
  const EACH_PASS = "measured after each pass";
  const RULES = { bidirectional: "BPC", hybrid: "HPC", generative: "genPC", discriminative: "discPC" };
  const accuracy = () => {
    const last = state.accuracies[state.accuracies.length - 1];
    return last && Math.round(10 * last.accuracy);
  };

  function showWords() {
    const { frame } = state;
    const { iteration, changed, raised, spoilt, point } = frame;
    const last = measured(frame);
    const right = frame.state === "diverged" ? undefined : accuracy(); // a network that blew up reads nothing
    $("accuracy").value = right ?? "–";
    const diverged = frame.state === "diverged";
    $("wrong-count").value = right !== undefined ? 1000 - right : diverged || reads() ? "–" : EACH_PASS;
    const at = state.accuracies[state.accuracies.length - 1]?.iteration;
    $("measured").textContent =
      diverged ? `it blew up at batch ${iteration}` : at !== undefined ? `last measured at batch ${at}` : reads() ? "not measured yet" : EACH_PASS;
    if (frame.state !== "running" || frame.accuracies.length || frame.points.length) nameCharts(frame);
    if (frame.state !== "running" || frame.accuracies.length) nameDrawings(frame);
    if (diverged) state.fault = { iteration };
    closeFault(frame);
    if (frame.state === "ended") {
      $("outcome").textContent = outcome(frame);
      $("first").textContent = firstWords();
      for (const place of all("[data-right]")) place.textContent = `${right} of 1,000`;
      for (const place of all("[data-beside]")) place.textContent = besideWords(place.dataset.beside);
    }
    $("E").value = last ? amount(last.e + last.d) : "–";
    $("E-e").value = counts("e") ? (last ? amount(last.e) : "–") : "off";
    $("E-d").value = counts("d") ? (last ? amount(last.d) : "–") : "off";
    $("before").value = last ? amount(last.before) : "–";
    $("of").textContent = !last ? "" : frame.state === "ended" ? `mean of ${point} batches` : "of the last batch";
    showKeptWords();
    showAt(frame);
    const said = raised
      ? " Settling raises the energy: its steps are too long."
      : changed && spoilt ? " What it learned while settling raised the energy stays until you start over." : "";
    say(WORDS[frame.state](frame) + (frame.state === "diverged" ? "" : said));
  }

  function showAt({ iteration, total, perPass }) {
    $("progress").max = total;
    $("progress").value = iteration;
    const pass = Math.min(Math.floor(iteration / perPass) + 1, total / perPass);
    $("at").value = `pass ${pass} of ${total / perPass}, batch ${iteration} of ${total}`;
  }

  // What the charts show, in their names: for who cannot see them; anew where something was measured.
  function nameCharts(frame) {
    const { iteration, state: now } = frame;
    const last = measured(frame);
    const found = state.accuracies.map((point) => `${point.accuracy.toFixed(1)} % at batch ${point.iteration}`);
    const some = found.filter((_, i) => i % Math.ceil(found.length / 6) === 0 || i === found.length - 1).join(", ");
    $("accuracy-chart").setAttribute("aria-label", `The share of the test images that is read rightly: ${some || (reads() ? "not measured yet" : EACH_PASS)}`);
    const part = (kind) => (counts(kind) ? `${amount(last[kind])} from ${kind}` : `${kind} does not count`);
    const energies = last ? `${amount(last.before)} before settling, ${amount(last.e + last.d)} after; of it ${part("e")}, ${part("d")}` : "none yet";
    $("energy-chart").setAttribute("aria-label", `The energy of a batch, at batch ${iteration}: ${energies}${now === "diverged" ? ". It blew up" : ""}`);
  }

  // What each drawing is, in its name: for who cannot see it; anew where it was measured.
  function nameDrawings({ drawings, state: now }) {
    const blewUp = now === "diverged";
    drawn.forEach(({ canvas }, k) => {
      const found = blewUp ? "the network blew up" : drawings
        ? `the network reads it as ${drawings.says[k]}; likeness to the mean ${k}, ${drawings.likes[k].toFixed(2)} of 1` : "not measured yet";
      canvas.setAttribute("aria-label", `Drawing of ${k}: ${found}`);
    });
    const all = drawings && !blewUp ? `. At batch ${drawings.iteration} the network reads ${drawings.own} of them as their label` : "";
    $("drawn").setAttribute("aria-label", `Ten images, one drawn by a sweep down from each label${all}`);
  }

  // What settling does to the energy of a batch.
  function settling(frame) {
    const { before, e, d } = measured(frame);
    if (Math.abs(e + d - before) < 1e-3 * before) return `settling leaves the energy at ${amount(before)}`;
    return `settling ${e + d > before ? "raises" : "lowers"} the energy, from ${amount(before)} to ${amount(e + d)}`;
  }

  // Whether the rule moves by an error, and so has it in its energy.
  const counts = (kind) => state.settings.rule.moves[{ e: 0, d: 1 }[kind]] > 0;

  // What the dotted line is, and where it came to.
  const reached = ({ accuracies }) => (accuracies.length ? `${Math.round(10 * accuracies.at(-1).accuracy)} of 1,000 at batch ${accuracies.at(-1).iteration}` : "not measured");
  function showKeptWords() {
    const run = beside();
    $("kept").classList.toggle("live-none", !run); // its place is kept
    if (run) $("kept").lastElementChild.textContent = `Dotted, on the same axes: an earlier run, ${run.name}: ${reached(run)}, energy ${amount(sum(run.end))}${run.ended ? " at its end" : ` at batch ${run.iteration}`}.`;
  }

  // A what-if beside the run as it should be, as this page has measured it, or how to get it.
  function besideWords(what) {
    const { usual } = state.kept;
    const right = what === "right";
    if (!usual) return right ? "For its line beside this one, train As it should be, and then this again." : "train As it should be, and then this again";
    if (!right) return `${amount(sum(usual.end))} there (dotted), ${amount(sum(measured(state.frame)))} here`;
    const to = usual.ended ? "ended" : `was, at batch ${usual.iteration},`;
    return `With settling, your run As it should be ${to} at ${Math.round(10 * usual.accuracies.at(-1).accuracy)} (dotted).`;
  }

  // A run that passes the batch at which one before it diverged says so, there and at its end.
  function closeFault(frame) {
    const { fault, mended, settings } = state;
    const at = frame.accuracies.at(-1)?.iteration;
    if (!fault || !(at > fault.iteration) || (mended && frame.state !== "ended")) return;
    state.mended = true;
    $("mended").textContent =
      `With a step of ${settings.step_size} it has passed batch ${fault.iteration}, where it had diverged: ` +
      `${settling(frame)}, and at batch ${at} it reads ${accuracy()} of 1,000.`;
  }

  // The batch at which the reading, and the drawings, had come nine tenths of their way from the start of a run to its end.
  function firsts() {
    const first = (of) => {
      const [begun, ended] = [of(state.accuracies[0]), of(state.accuracies.at(-1))];
      return state.accuracies.find((point) => Math.abs(of(point) - begun) >= 0.9 * Math.abs(ended - begun)).iteration;
    };
    return { reading: first(({ accuracy }) => accuracy), drawings: first(({ far }) => far) };
  }
  function firstWords() {
    const { reading, drawings } = firsts();
    return `The reading had come nine tenths of its way by batch ${reading}, the drawings by batch ${drawings}.`;
  }

  // A guess, before a run, and what came of it after.
  const asks = () => (state.what_if ? GUESSES[state.what_if] : state.touched ? undefined : GUESSES.rule);
  function verdict() {
    const [asked, { guess }] = [asks(), state];
    if (!asked || guess === null) return "";
    const came = state.frame.state === "diverged" && asked !== GUESSES["too-long"] ? -1 : asked.came();
    if (came < 0) return `You said: ${asked.words[guess]}. It blew up before it could tell.`;
    return `You said: ${asked.words[guess]}. ${came === guess ? "Right." : `It was: ${asked.words[came]}.`}`;
  }
  const begun = () => root.dataset.state === "running" || (state.frame?.iteration ?? 0) > 0;
  const guesses = [...$("guess").querySelectorAll("button")];
  function showGuess() {
    const words = asks()?.words ?? [];
    const done = over();
    $("guess").classList.toggle("live-none", !words.length || (done && state.guess === null));
    guesses.forEach((button, k) => {
      button.hidden = done;
      if (words[k]) button.textContent = words[k];
      button.setAttribute("aria-pressed", k === state.guess);
      setOff(button, begun() && "A guess comes before the run: Start over, and guess again.");
    });
    $("guessed").textContent = done ? verdict() : "I say";
  }
  guesses.forEach((button, k) => {
    button.addEventListener("click", () => {
      if (begun()) return;
      state.guess = state.guess === k ? null : k;
      showGuess();
      say(state.guess === null ? "Your guess is taken back." : `You say: ${button.textContent}. Press Train.`);
    });
  });

  // What came of a run of the reader's own.
  function outcome(frame) {
    const [begun] = state.accuracies;
    const from = begun.iteration === 0 ? `, from ${Math.round(10 * begun.accuracy)} at first` : "";
    return `It reads ${accuracy()} of 1,000${from}, ${ownDrawings(frame.drawings)}. At its end ${settling(frame)}.`;
  }

  function say(words) {
    if ($("status").textContent !== words) $("status").textContent = words;
  }

  function show() {
    showTiles();
    showAccuracies();
    showEnergies();
    if (!state.frame) return;
    showWords();
    setState(state.frame.state);
    root.dataset.iteration = state.frame.iteration;
    root.dataset.frames = Number(root.dataset.frames ?? 0) + 1;
  }

  // What the reader does -------------------------------------------------------------------------------------------

  function resume(iterations) {
    state.resumed = state.frame.iteration;
    worker.postMessage({ type: "run", iterations });
  }

  $("run").addEventListener("click", () => {
    const now = root.dataset.state;
    if (disabled("run")) return;
    if (now === "running") worker.postMessage({ type: "pause" });
    else if (now === "paused") resume();
    else begin(true);
  });
  $("once").addEventListener("click", () => {
    const now = root.dataset.state;
    if (disabled("once")) return;
    if (now === "running") worker.postMessage({ type: "pause" });
    else if (now === "paused") resume(1);
    else begin(true, 1);
  });
  $("back").addEventListener("click", () => {
    if (!disabled("back")) begin(false);
  });

  // One number stands for all layers, that of the first; the others keep their share of it.
  const first = (alpha) => (Array.isArray(alpha) ? alpha[0] : alpha);
  const scaled = (alpha, value) => (Array.isArray(alpha) ? alpha.map((a) => (a / alpha[0]) * value) : value);

  function showSettings() {
    const { moves } = state.settings.rule;
    const weighed = { "alpha-gen": moves[0] > 0, "alpha-disc": moves[1] > 0, rate: true, steps: true };
    for (const [name, values] of Object.entries(SLIDERS)) {
      const value = first(state.settings[FIELDS[name]]);
      const slider = $(name);
      slider.max = values.length - 1;
      slider.value = values.indexOf(value);
      slider.disabled = !weighed[name];
      const said = weighed[name] ? `${value}` : "off"; // the rule has no such errors
      slider.setAttribute("aria-valuetext", said);
      slider.parentElement.querySelector("output").value = said;
    }
    for (const place of all("[data-kind]")) canvases.mute(place, !counts(place.dataset.kind));
    for (const radio of all("[name=learn-rule]")) radio.checked = radio.value === state.rule;
    for (const button of all("[data-what-if]")) button.setAttribute("aria-pressed", button.dataset.whatIf === state.what_if);
    showTold();
  }

  function showTold() {
    const { what_if, mended, touched } = state;
    const ended = root.dataset.state === "ended";
    const yours = mended ? "mended" : ended ? "done" : "yours";
    const told = what_if ? (over() ? `${what_if}-end` : what_if) : touched ? yours : ended ? `${state.rule}-end` : "rule";
    $("offer").hidden = !offered();
    $("offer").classList.toggle("live-prime", !$("offer").hidden); // it is what comes next
    $("run").classList.toggle("live-prime", $("offer").hidden);
    showNext();
    const now = root.dataset.state;
    for (const place of all(".live-ask")) {
      place.textContent = now === "waiting" && state.running ? "It is loading." : now === "running" ? "It trains; Pause stops it."
        : now === "paused" && begun() ? "It is paused; Train goes on." : "Make a guess, then press Train.";
    }
    showGuess();
    for (const span of $("told").children) span.classList.toggle("live-now", span.dataset.told === told);
  }

  function slide(name, value) {
    const field = FIELDS[name];
    state.what_if = null;
    state.touched = true;
    state.changes[name] = `${CALLED[name]} ${value}`;
    change({ [field]: scaled(state.settings[field], value) });
    if (over()) say(`${named()}: learns with ${Object.values(state.changes).join(", ")} once you start over.`);
    showSettings();
  }
  for (const [name, values] of Object.entries(SLIDERS)) {
    $(name).min = 0;
    $(name).addEventListener("input", () => slide(name, values[$(name).value]));
  }
  // The slider is away from the words that ask for it, on a phone by screens.
  $("offer").addEventListener("click", () => {
    slide("rate", 1);
    begin(true); // at once, as in the network above
    $("run").focus({ preventScroll: true }); // the button that was pressed is gone
  });
  // After a run, and where nothing is asked, the next experiment stands in the line that asked for a guess.
  const whatIfs = all("[data-what-if]");
  const next = () => whatIfs[(whatIfs.findIndex((button) => button.dataset.whatIf === state.what_if) + 1) % whatIfs.length];
  function showNext() {
    $("next").hidden = Boolean(asks()) && !over();
    $("next").textContent = `Next: ${NAMES[next().dataset.whatIf]}`;
  }
  $("next").addEventListener("click", () => {
    const button = next();
    button.click();
    button.focus({ preventScroll: true }); // the button that was pressed is gone
  });
  for (const radio of all("[name=learn-pace]")) {
    radio.addEventListener("change", () => {
      state.pace = Number(radio.value);
      change();
    });
  }
  still.addEventListener("change", () => change());

  function choose(rule, what_if) {
    state.rule = rule;
    state.what_if = what_if;
    state.touched = false;
    state.guess = null;
    state.fault = null;
    state.settings = { ...structuredClone(bpcLessons[rule]), ...WHAT_IFS[what_if] };
    showSettings();
    if (!ready && !worker) showRandom();
  }

  for (const radio of all("[name=learn-rule]")) {
    radio.addEventListener("change", () => {
      choose(radio.value, radio.value === "bidirectional" ? "usual" : null);
      const now = root.dataset.state;
      if (ready) begin(now === "running" || (now === "waiting" && state.running));
    });
  }
  for (const button of all("[data-what-if]")) {
    button.addEventListener("click", () => {
      choose("bidirectional", button.dataset.whatIf);
      if (worker || root.dataset.state === "waiting") begin(false);
    });
  }

  function repaint() {
    mixColours();
    if (state.frame || worker) showTiles();
    else showRandom();
    showAccuracies();
    showEnergies();
  }
  new MutationObserver(repaint).observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
  new ResizeObserver(repaint).observe(root);
  all("[role=toolbar]").forEach(oneStop);
  sayWhyOff(root, say);
  mixColours();
  choose("bidirectional", "usual");
  setState("asleep");
  repaint();
})();
