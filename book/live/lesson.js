// A lesson: what a worker does while a page watches. It learns in short slices, looks at what the page says between two
// of them, and shows how it stands at most once until the page has drawn what it was shown. So the page's own work does
// not grow with the speed of learning. One function, so that its text can be sent to the worker with that of learning.js.

function makeLesson(learning, tell) {
  "use strict";

  const { compiled, makeLearner, plain, random, shuffled } = learning;

  const SLICE = 20; // milliseconds of learning between two looks at the messages
  const FRAME = 50; // milliseconds from one frame to the next, at full speed
  const COUNT = 500; // milliseconds from one count of the batches to the next, where frames are a pass apart
  const POINT = 13; // iterations whose mean is a point of the energies' lines
  const EVALUATIONS = 8; // in a pass over the images
  const SHOWN = 10; // images that are still read wrongly
  const BLOWN_UP = 1e6; // times one more than the energy at first: it will not come back

  let digits = null;
  let wasm = null; // bytes of the kernels
  let learner = null;
  let lesson = null; // all of a run besides the weights

  const decoded = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  // Images as bytes: they come as a stream of zlib, with 16 greys, two pixels a byte.
  async function pixels(text) {
    const stream = new Blob([decoded(text)]).stream().pipeThrough(new DecompressionStream("deflate"));
    const packed = new Uint8Array(await new Response(stream).arrayBuffer());
    const found = new Uint8Array(2 * packed.length);
    packed.forEach((byte, i) => {
      found[2 * i] = 17 * (byte >> 4);
      found[2 * i + 1] = 17 * (byte & 15);
    });
    return found;
  }

  let latest = null; // of the runs that were asked for
  async function begin(asked) {
    lesson = null;
    latest = asked;
    const kernels = (wasm && (await compiled(wasm))) ?? plain;
    if (asked !== latest) return; // another one was asked for meanwhile
    const { settings, run, pace, running, iterations } = asked; // as they are by now
    const perPass = Math.floor(digits.labels.length / settings.batch_size);
    const total = perPass * settings.epochs;
    learner = makeLearner(settings, total, kernels);
    const draws = random(settings.seed + 1);
    lesson = {
      run, settings, pace, perPass, total, draws,
      state: running ? "running" : "paused",
      order: shuffled(digits.labels.length, draws),
      until: iterations ?? Infinity, // the iteration at which to pause
      points: [], // of the energies' lines, and accuracies, that the page has not got yet
      accuracies: [],
      sums: { e: 0, d: 0, before: 0 },
      limit: null, // of the energy: past it, the run has diverged
      last: null, // energies of the last iteration
      changed: 0, // the iteration after which a setting was last changed
      changes: [], // what the page calls all that was changed
      rose: -Infinity, // the iteration at which inference last raised the energy
      raised: false, // whether it did so lately
      spoilt: false, // whether it ever did
      wrong: [],
      drawings: null, // what the network makes of its own drawings
      seen: true, // whether the page has drawn the last frame
      shown: {}, // what the last frame said
      counted: performance.now(), // when the page last heard of how far it is
    };
    if (evaluable(0)) evaluate();
    show();
    goOn();
  }

  // By a sweep the label is read at once. Where no amortiser is taught it has to settle, which takes a second.
  const evaluable = (iteration) => {
    const { rule } = lesson.settings;
    const often = rule.teaches[1] ? EVALUATIONS : 1;
    return iteration % Math.round(lesson.perPass / often) === 0 && (iteration > 0 || often > 1);
  };

  function evaluate() {
    const { images, labels } = digits.test;
    const found = learner.classify(images, labels.length);
    const wrong = [...labels.keys()].filter((i) => found[i] !== labels[i]);
    judge();
    lesson.accuracies.push({
      iteration: learner.iteration(), accuracy: 100 * (1 - wrong.length / labels.length), own: lesson.drawings.own,
      far: lesson.drawings.far,
    });
    lesson.wrong = wrong.slice(0, SHOWN).map((i) => ({
      label: labels[i], says: found[i], pixels: images.slice(784 * i, 784 * (i + 1)),
    }));
  }

  // What the network itself reads its ten drawings as, how like each is to the mean image of its class, for who cannot
  // see them, and how far they are from those images, ink and all: the root of the mean square, in shares of full ink.
  function judge() {
    const drawn = learner.draw();
    const likes = digits.means.map((mean, k) => correlation(mean, drawn.subarray(784 * k, 784 * (k + 1))));
    const says = learner.classify(drawn, likes.length);
    const squares = digits.means.map((mean, k) => mean.reduce((sum, x, i) => sum + ((x - drawn[784 * k + i]) / 255) ** 2, 0));
    const far = Math.sqrt(squares.reduce((a, b) => a + b) / drawn.length);
    lesson.drawings = { iteration: learner.iteration(), says, likes, far, own: says.filter((label, k) => label === k).length };
  }

  function correlation(a, b) {
    const mean = (x) => x.reduce((sum, value) => sum + value, 0) / x.length;
    const [mean_a, mean_b] = [mean(a), mean(b)];
    const product = (x, mean_x, y, mean_y) => x.reduce((sum, value, i) => sum + (value - mean_x) * (y[i] - mean_y), 0);
    const size = Math.sqrt(product(a, mean_a, a, mean_a) * product(b, mean_b, b, mean_b));
    return size ? product(a, mean_a, b, mean_b) / size : 0; // an even grey is like none
  }

  function meanImages(images, labels) {
    const means = Array.from({ length: 10 }, () => new Float64Array(784));
    const counts = Array(10).fill(0);
    labels.forEach((label, n) => {
      counts[label] += 1;
      for (let i = 0; i < 784; i++) means[label][i] += images[784 * n + i];
    });
    return means.map((sum, label) => sum.map((x) => x / Math.max(counts[label], 1)));
  }

  function iterate() {
    const { batch_size } = lesson.settings;
    const from = (learner.iteration() % lesson.perPass) * batch_size;
    const { before, after } = learner.learn(digits.images, digits.labels, lesson.order.subarray(from, from + batch_size));
    const iteration = learner.iteration();
    const energies = { before: before.e + before.d, e: after.e, d: after.d };
    const sum = after.e + after.d;
    lesson.limit ??= BLOWN_UP * (energies.before + 1);
    const diverged = !(sum < lesson.limit) || !learner.whole();
    if (Number.isFinite(sum)) lesson.last = energies;
    if (diverged) {
      if (Number.isFinite(sum)) lesson.points.push({ iteration, ...energies }); // what it is stopped for is seen
      lesson.state = "diverged";
      return;
    }
    if (sum > 1.001 * energies.before + 1e-6) lesson.rose = iteration; // the thousandth is for rounding
    lesson.raised = iteration - lesson.rose < POINT; // said at once, and for a while, so that the words do not flicker
    lesson.spoilt ||= lesson.raised;
    const { sums } = lesson;
    for (const name in energies) sums[name] += energies[name] / POINT;
    if (iteration % POINT === 0) {
      lesson.points.push({ iteration, ...sums });
      lesson.sums = { e: 0, d: 0, before: 0 };
    }
    if (evaluable(iteration)) evaluate();
    if (iteration % lesson.perPass === 0) lesson.order = shuffled(digits.labels.length, lesson.draws);
    if (iteration === lesson.total) lesson.state = "ended";
    else if (iteration >= lesson.until) lesson.state = "paused";
  }

  // Whether a frame is due: when something begins or ends; with a pace of 0 a while after the last; else after so many
  // iterations, or after a pass over the images.
  function due() {
    const { state, iteration, time } = lesson.shown;
    const since = learner.iteration() - iteration;
    if (state !== lesson.state) return true;
    if (state !== "running") return since > 0;
    if (lesson.pace === "pass") return since > 0 && learner.iteration() % lesson.perPass === 0;
    return lesson.pace ? since >= lesson.pace : performance.now() - time >= FRAME;
  }

  function show() {
    if (lesson.state === "paused" && lesson.settings.rule.teaches[1] && learner.iteration() !== lesson.drawings?.iteration) judge();
    const { run, state, perPass, total, limit, last, changed, changes, raised, spoilt, wrong, drawings, points, accuracies } = lesson;
    lesson.shown = { state, iteration: learner.iteration(), time: performance.now() };
    lesson.seen = false;
    lesson.points = [];
    lesson.accuracies = [];
    tell({
      type: "frame", run, state, perPass, total, limit, last, changed, changes, raised, spoilt, wrong, drawings, points, accuracies,
      iteration: learner.iteration(), drawn: learner.draw(), kernels: learner.kernels, point: POINT,
    });
  }

  // Going on is a message too, so that what the page said meanwhile is heard first.
  const channel = new MessageChannel();
  let asked = false;
  channel.port1.onmessage = work;
  function goOn() {
    if (!asked) channel.port2.postMessage(null);
    asked = true;
  }

  function work() {
    asked = false;
    if (!lesson) return;
    const until = performance.now() + SLICE;
    while (true) {
      if (due()) {
        if (lesson.seen) show();
        else if (lesson.pace || lesson.state !== "running") return; // until it is seen
      }
      if (lesson.state !== "running") return;
      const now = performance.now();
      if (lesson.pace === "pass" && now - lesson.counted >= COUNT) {
        lesson.counted = now;
        tell({ type: "at", run: lesson.run, iteration: learner.iteration() });
      }
      if (now >= until) return goOn();
      iterate();
    }
  }

  const hear = {
    async digits({ digits: { images, labels, test_images, test_labels }, kernels }) {
      wasm = kernels && decoded(kernels);
      digits = {
        images: await pixels(images),
        labels: decoded(labels),
        test: { images: await pixels(test_images), labels: decoded(test_labels) },
      };
      digits.means = meanImages(digits.images, digits.labels);
      tell({ type: "ready" });
    },
    begin,
    run({ iterations }) {
      if (lesson?.state !== "paused") return;
      lesson.until = iterations ? learner.iteration() + iterations : Infinity;
      lesson.state = "running";
      goOn();
    },
    pause() {
      if (lesson?.state === "running") lesson.state = "paused";
      goOn();
    },
    change({ changes, names, pace }) {
      const run = lesson ?? latest; // which may wait for its loops
      if (!run) return;
      run.pace = pace;
      Object.assign(run.settings, changes);
      if (!lesson) return;
      if (Object.keys(changes).length) {
        lesson.changed = learner.iteration();
        lesson.changes = names;
        lesson.raised = false; // what earlier settings raised does not count
        lesson.rose = -Infinity;
        if (lesson.state === "running" || lesson.state === "paused") lesson.shown = {}; // the page is to say it
      }
      goOn();
    },
    seen({ run }) {
      if (run !== lesson?.run) return;
      lesson.seen = true;
      goOn();
    },
  };

  return async (message) => {
    try {
      await hear[message.type](message);
    } catch (error) {
      tell({ type: "failed", reason: String(error) });
    }
  };
}
