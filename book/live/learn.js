// The page that learns: a network trains from random weights in a worker while a reader watches and changes what it
// learns by. What is learned is in learning.js, what the worker does in lesson.js; here stands what is seen and touched.

(() => {
  "use strict";

  const root = document.getElementById("learn");
  if (!root) return;
  const $ = (name) => document.getElementById(`learn-${name}`);
  const all = (selector) => [...root.querySelectorAll(selector)];
  const still = window.matchMedia("(prefers-reduced-motion: reduce)"); // then it shows each pass over the images, and no more
  const { css, dot, fresh, line, paint, powerOfTen } = canvases;
  const SIDE = 28;
  const SCRIPTS = ["learning", "lesson", "kernels", "training"]; // which come when they are first wanted

  // What the sliders choose.
  const SLIDERS = {
    "alpha-gen": [1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1],
    "alpha-disc": [0.01, 0.1, 1, 10],
    rate: [0.1, 0.2, 0.5, 1, 1.5, 2, 4, 10],
    steps: [0, 1, 2, 4, 8],
  };
  const FIELDS = { "alpha-gen": "alpha_gen", "alpha-disc": "alpha_disc", rate: "step_size", steps: "steps" };

  // What each button changes of the settings; the page says what comes of it.
  const WHAT_IFS = {
    usual: {},
    "no-settling": { steps: 0 },
    "wrong-order": { wrong_order: true },
    "too-long": { step_size: 10, steps: 4 },
  };

  const state = {
    rule: "bidirectional",
    what_if: "usual",
    settings: null,
    pace: 0, // batches a frame; 0 is as many as there are
    running: false, // whether it should run once it is there
    run: 0, // counts the runs, so that a frame of an earlier one is known
    frame: null, // the last that came
    points: [], // of the lines of the energies
    accuracies: [],
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

  // From a disk a browser makes no worker of a file, but of a text.
  async function wake() {
    if (root.dataset.state === "waiting") return;
    setState("waiting");
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
      begin(state.running);
    },
    failed({ reason }) {
      setState("failed");
      say(`This browser cannot train: ${reason}.`);
      worker?.terminate();
      worker = null;
      ready = false;
    },
    frame(frame) {
      root.dataset.messages = Number(root.dataset.messages ?? 0) + 1;
      if (frame.run !== state.run) return;
      state.points.push(...frame.points);
      state.accuracies.push(...frame.accuracies);
      state.frame = frame;
      requestAnimationFrame(() => {
        if (frame !== state.frame || frame.run !== state.run) return;
        show();
        worker.postMessage({ type: "seen", run: frame.run });
      });
    },
  };

  // One that wants less motion sees one frame a pass.
  const pace = () => (still.matches ? "pass" : state.pace);

  // From random weights, with the settings as they are.
  function begin(running) {
    state.running = running; // for when it is ready
    if (!worker) return void wake();
    if (!ready) return;
    state.run += 1;
    state.points = [];
    state.accuracies = [];
    setState("waiting");
    root.dataset.iteration = 0;
    worker.postMessage({ type: "begin", settings: state.settings, run: state.run, pace: pace(), running });
  }

  function change(changes = {}) {
    Object.assign(state.settings, changes);
    worker?.postMessage({ type: "change", changes, pace: pace() });
  }

  function setState(name) {
    root.dataset.state = name; // what a test waits for
    const busy = name === "waiting";
    $("run").textContent = name === "running" ? "Pause" : name === "asleep" || name === "failed" ? "Train (loads 2 MB)" : "Train";
    for (const name of ["run", "once", "back"]) $(name).disabled = busy;
  }

  // Drawing --------------------------------------------------------------------------------------------------------

  let ink, blue, red;
  const mixColours = () => ({ ink, blue, red } = canvases.colours(root));

  const tiles = (parent) => [...parent.children].map(({ children: [canvas, words] }) => ({ canvas, words }));
  const drawn = tiles($("drawn"));
  const wrong = tiles($("wrong"));

  function showTiles() {
    const { frame } = state;
    drawn.forEach(({ canvas }, k) => paint(canvas, (i) => [blue, frame ? frame.drawn[SIDE * SIDE * k + i] / 255 : 0]));
    wrong.forEach(({ canvas, words }, k) => {
      const one = frame?.wrong[k];
      paint(canvas, (i) => [ink, one ? one.pixels[i] / 255 : 0]);
      words.textContent = one ? `${one.label} as ${one.says}` : "\u00a0";
    });
  }

  const scaleX = (width) => (iteration) => 2 + (iteration / (state.frame?.total ?? 1)) * (width - 8);

  function gridline(context, width, y, text) {
    line(context, css(ink, 0.16), [[0, y], [width, y]]);
    context.font = "11px system-ui, sans-serif";
    context.textAlign = "right";
    context.fillStyle = css(ink, 0.7);
    context.fillText(text, width - 2, y - 3);
  }

  function showAccuracies() {
    const { context, width, height } = fresh($("accuracy-chart"));
    const x = scaleX(width);
    const y = (accuracy) => height - 3 - (accuracy / 100) * (height - 18);
    for (const level of [0, 25, 50, 75, 100]) gridline(context, width, y(level), `${level} %`);
    const points = state.accuracies.map(({ iteration, accuracy }) => [x(iteration), y(accuracy)]);
    if (!points.length) return;
    line(context, css(ink), points, 2);
    dot(context, css(ink), points[points.length - 1], 3);
  }

  function showEnergies() {
    const { context, width, height } = fresh($("energy-chart"));
    const { points } = state;
    const x = scaleX(width);
    const values = points.flatMap(({ e, d, before }) => [e, d, before]).filter((value) => value > 0);
    const [top, bottom] = [Math.log10(Math.max(...values, 1)) + 0.1, Math.log10(Math.min(...values, 0.1)) - 0.1];
    const y = (value) => 12 + ((top - Math.log10(value)) / (top - bottom)) * (height - 15);
    for (let n = Math.ceil(bottom); n <= top; n++) gridline(context, width, y(10 ** n), powerOfTen(n));
    const lines = [
      [blue, ({ e }) => e, 2.5, []],
      [red, ({ d }) => d, 2.5, []],
      [ink, ({ before }) => before, 1.2, [4, 3]],
      [ink, ({ e, d }) => e + d, 1.3, []],
    ];
    for (const [colour, of, thick, dashes] of lines) {
      const found = points.filter((point) => of(point) > 0).map((point) => [x(point.iteration), y(of(point))]);
      context.setLineDash(dashes);
      if (found.length) line(context, css(colour), found, thick);
      context.setLineDash([]);
    }
  }

  // What is said of a state; while it runs, no more often than once a pass.
  const WORDS = {
    running({ iteration, perPass, kernels }) {
      const passes = Math.floor(iteration / perPass);
      const found = passes && state.accuracies.find((point) => point.iteration === passes * perPass);
      const result = found ? ` After ${passes === 1 ? "one pass" : `${passes} passes`}: ${Math.round(10 * found.accuracy)} of 1,000 read rightly.` : "";
      return `Learning, in ${kernels}.${result}`;
    },
    ended: () => `The run has ended: ${accuracy()} of 1,000 test images are read rightly.`,
    diverged: ({ iteration }) =>
      `The run diverged at batch ${iteration}: the energy grew without bound, as the steps of settling are too long. Set the step to 1 and start over.`,
    paused: ({ iteration, total }) => `Paused after batch ${iteration} of ${total}. ${accuracy() ?? "None yet"} of 1,000 read rightly.`,
  };
  const accuracy = () => {
    const last = state.accuracies[state.accuracies.length - 1];
    return last && Math.round(10 * last.accuracy);
  };

  function showWords() {
    const { frame } = state;
    const { last, iteration, total, perPass, raised } = frame;
    $("accuracy").value = accuracy() ?? "–";
    $("wrong-count").value = accuracy() === undefined ? "–" : 1000 - accuracy();
    $("E").value = last ? short(last.e + last.d) : "–";
    $("E-e").value = last ? short(last.e) : "–";
    $("E-d").value = last ? short(last.d) : "–";
    $("before").value = last ? short(last.before) : "–";
    $("progress").max = total;
    $("progress").value = iteration;
    const pass = Math.min(Math.floor(iteration / perPass) + 1, total / perPass);
    $("at").value = `pass ${pass} of ${total / perPass}, batch ${iteration} of ${total}`;
    const said = raised && frame.state !== "diverged" ? " Settling raises the energy: its steps are too long." : "";
    say(WORDS[frame.state](frame) + said);
  }

  const short = (x) => (x >= 0.001 && x < 1e5 ? `${+x.toPrecision(3)}` : x.toExponential(1));

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

  $("run").addEventListener("click", () => {
    const now = root.dataset.state;
    if (now === "running") worker.postMessage({ type: "pause" });
    else if (now === "paused") worker.postMessage({ type: "run" });
    else begin(true);
  });
  $("once").addEventListener("click", () => {
    const now = root.dataset.state;
    if (now === "running") worker.postMessage({ type: "pause" });
    else if (now === "paused") worker.postMessage({ type: "run", iterations: 1 });
    else begin(false);
  });
  $("back").addEventListener("click", () => begin(false));

  // One number stands for all layers, that of the first; the others keep their share of it.
  const first = (alpha) => (Array.isArray(alpha) ? alpha[0] : alpha);
  const scaled = (alpha, value) => (Array.isArray(alpha) ? alpha.map((a) => (a / alpha[0]) * value) : value);

  function showSettings() {
    for (const [name, values] of Object.entries(SLIDERS)) {
      const value = first(state.settings[FIELDS[name]]);
      const slider = $(name);
      slider.max = values.length - 1;
      slider.value = values.indexOf(value);
      slider.setAttribute("aria-valuetext", `${value}`);
      slider.parentElement.querySelector("output").value = `${value}`;
    }
    const { moves } = state.settings.rule;
    $("alpha-gen").disabled = !moves[0];
    $("alpha-disc").disabled = !moves[1];
    for (const radio of all("[name=learn-rule]")) radio.checked = radio.value === state.rule;
    for (const button of all("[data-what-if]")) button.setAttribute("aria-pressed", button.dataset.whatIf === state.what_if);
    for (const span of $("told").children) span.classList.toggle("live-now", span.dataset.told === (state.what_if ?? "yours"));
  }

  for (const [name, values] of Object.entries(SLIDERS)) {
    $(name).min = 0;
    $(name).addEventListener("input", () => {
      const field = FIELDS[name];
      const value = values[$(name).value];
      state.what_if = null;
      change({ [field]: scaled(state.settings[field], value) });
      showSettings();
    });
  }
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
    state.settings = { ...structuredClone(bpcLessons[rule]), ...WHAT_IFS[what_if] };
    showSettings();
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
      begin(true);
    });
  }

  function repaint() {
    mixColours();
    showTiles();
    showAccuracies();
    showEnergies();
  }
  new MutationObserver(repaint).observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
  new ResizeObserver(repaint).observe(root);
  choose("bidirectional", "usual");
  setState("asleep");
  repaint();
})();
