// Chapter 2: a mixture of labels, and what it draws, in the generative network of the page book/live.md (network.js has the method).
// The bars are the ten numbers of z_0. With an image clamped they settle, as when the network reads.

bpcFigures.add("mixture", (root) => {
  "use strict";
  const { between, draw, FAINT, handle, ink, number, paint, panel, path, pen, text, thumbs } = bpcFigures;

  const SIDE = 28;
  const PIXELS = SIDE * SIDE;
  const STEPS = 100;
  const MOST = 1.2; // of a label's number, and LEAST
  const LEAST = -0.4;
  const TEN = [...Array(10).keys()];
  const given = bpcFigures.data(root);
  const stored = bpcNetworks.generative;
  const network = (stored.network ??= bpc.read(stored));
  const rule = bpc.RULES.generative;
  const digits = bpc.bytes(given.images);
  const state = { digit: 9, at: 0, ...Object.fromEntries(TEN.map((k) => [`label_${k}`, k === 4 || k === 9 ? 0.5 : 0])) };

  // The method.
  const label = () => TEN.map((k) => state[`label_${k}`]);
  function mix(numbers) {
    numbers.forEach((x, k) => (state[`label_${k}`] = x));
  }
  const pixels = () => Float64Array.from(digits.subarray(PIXELS * state.digit, PIXELS * (state.digit + 1)), (p) => p / 255);
  const drawn = (numbers = label()) =>
    bpc.denormalise(bpc.sweepDown(network, numbers)[network.L], stored.settings).map((pixel) => between(pixel, 0, 1));
  function miss(picture) {
    const image = pixels();
    return Math.sqrt(picture.reduce((sum, p, i) => sum + (p - image[i]) ** 2, 0) / PIXELS);
  }
  // Reading: the image is clamped, all else settles; the label starts undecided, 0.1 everywhere.
  let z = null;
  function undecided() {
    z = bpc.start(network, rule, null, null);
    z[network.L] = bpc.normalise(pixels(), stored.settings);
  }
  function read() {
    const alphas = bpc.precisions(network, rule, 1, 0);
    const clamped = [...Array(network.L).fill(false), true];
    z = bpc.descend(network, z, bpc.errors(network, z), clamped, alphas, bpc.layerSteps(network, alphas, 1));
    return z;
  }

  // What is seen.
  const right = panel(root, "");
  const canvas = (name) => root.querySelector(`canvas[data-name=${name}]`);
  const button = (name) => root.querySelector(`button[name=${name}]`);
  const say = bpcFigures.says(root);
  const colours = bpcFigures.colours(root, () => {
    showThumbs();
    show(false);
  });
  const column = 29;
  const X = (k) => 44 + (k + 0.5) * column;
  const Y = (value) => 170 - ((between(value, LEAST, MOST) - LEAST) / (MOST - LEAST)) * 142;
  const value = (y) => between(Math.round((LEAST + ((170 - y) / 142) * (MOST - LEAST)) * 20) / 20, LEAST, MOST);

  function show(spoken = true) {
    const numbers = label();
    const most = Math.max(...numbers);
    const best = most - Math.min(...numbers) > 1e-6 ? TEN.filter((k) => most - numbers[k] < 1e-6) : []; // where all are alike none is the largest
    const g = right.drawn;
    g.replaceChildren();
    text(g, 190, 13, "the label, *z*_0");
    for (const tick of [0, 0.5, 1]) {
      draw(g, "path", { d: path([[44, Y(tick)], [40, Y(tick)]]), style: pen("ink", 0.8) });
      text(g, 37, Y(tick) + 4.5, String(tick), { anchor: "end" });
    }
    numbers.forEach((x, k) => {
      const [y, tall] = [Math.min(Y(0), Y(x)), Math.abs(Y(x) - Y(0))];
      draw(g, "rect", { x: X(k) - 10, y, width: 20, height: Math.max(tall, 0.5), style: ink("ink", best.includes(k) ? "" : "opacity: 0.4") });
      text(g, X(k), 190, String(k), { more: best.includes(k) ? "font-weight: 700" : "" });
      grips[k].at(X(k), Y(x));
    });
    draw(g, "path", { d: path([[44, Y(0)], [334, Y(0)]]), style: pen("ink", 0.8, FAINT) });
    const picture = drawn();
    const image = pixels();
    paint(canvas("drawn"), (i) => [colours.ink, picture[i]]);
    paint(canvas("image"), (i) => [colours.ink, image[i]]);
    showSliders();
    [...root.querySelectorAll(".lf-thumbs button")].forEach((b, k) => b.setAttribute("aria-pressed", k === state.digit));
    button("go").textContent = run.running() ? "Pause" : "Let it read";
    const sum = numbers.reduce((a, b) => a + b);
    const after = state.at ? `After ${state.at} steps of reading: ` : "";
    const largest =
      best.length === 1 ? `${number(most)} of ${best} is the largest part` : best.length ? `${number(most)} each of ${best.join(" and ")} are the largest parts` : sum ? `${after ? "all" : "All"} parts are alike, ${number(numbers[0])} each` : `${after ? "there" : "There"} is nothing of any digit`;
    const truth = given.labels[state.digit];
    const [mixed, labelled] = [miss(picture), miss(drawn(bpc.oneHot(truth)))].map((x) => number(x, 3)); // as they are read
    const nearer =
      mixed === labelled ? "The two are as close." : +mixed < +labelled ? "Here the mixture draws closer." : "Here the right label draws closer.";
    const why =
      state.at && +mixed > +labelled ? " Settling did not look for the closest drawing: it lowers the whole energy, hidden layers and all." : "";
    say(
      `${after}${largest}; the sum is ${number(sum)}. What the mixture draws misses this ${truth} by ` +
        `${mixed}, and what the right label draws, by ${labelled} (root mean square). ${nearer}${why}`,
      !spoken || run.running(),
    );
  }

  const run = bpcFigures.runner(() => {
    const steps = 1 + Math.floor(state.at / 6);
    for (let n = 0; n < steps && state.at < STEPS; n++, state.at++) read();
    mix([...z[0]]);
    return state.at < STEPS;
  }, () => show(), say.foretell);

  const grips = TEN.map((k) => {
    const grip = handle(right, {
      moved(_, y) {
        run.stop();
        state.at = 0;
        state[`label_${k}`] = value(y);
        show(false);
      },
      let_go: () => show(),
    });
    grip.querySelector("circle").setAttribute("r", 14); // room for a finger, beside its neighbours
    draw(grip, "rect", { x: -11, y: -3, width: 22, height: 6, rx: 3, style: ink("ink") });
    return grip;
  });

  root.querySelector(".lf-sliders").innerHTML = TEN.map(
    (k) =>
      `<label><span>a part of ${k}</span><input type="range" name="label_${k}" min="${LEAST}" max="${MOST}" step="0.05" data-digits="2" /><output aria-hidden="true"></output></label>`,
  ).join("");
  const showSliders = bpcFigures.sliders(root, state, (_, done) => {
    run.stop();
    state.at = 0;
    show(done);
  });

  function showThumbs() {
    thumbs(root, given.labels, digits, colours.ink, "Show it this", (k) => {
      state.digit = k;
      start();
    });
  }

  function start() {
    run.stop();
    undecided();
    state.at = 0;
    mix([...z[0]]);
    run.start();
  }
  button("go").addEventListener("click", () => {
    if (!run.running()) return start();
    run.stop();
    show();
  });
  button("right").addEventListener("click", () => {
    run.stop();
    state.at = 0;
    mix([...bpc.oneHot(given.labels[state.digit])]);
    show();
  });
  button("none").addEventListener("click", () => {
    run.stop();
    state.at = 0;
    mix(Array(10).fill(0));
    show();
  });
  showThumbs();
  show(false);
  return { state, label, drawn, miss };
});
