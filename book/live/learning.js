// Learning in plain JavaScript: `train_step` of the package, a batch at a time, under the book's names. Chapters 4 and 5
// derive it. Numbers are 32-bit floats, as in the package: each result is rounded by Math.fround, so that the two hot
// loops, `multiply` and `adamw`, give the same bits here and in WebAssembly (kernels.c), some thirty times as fast.
// A classic script; it is one function without anything around it, so that its text can be sent to a worker.

function makeLearning() {
  "use strict";

  const round = Math.fround;
  const SQUARINGS = 5; // as in the package's curvature.py
  const IN_TRAINING = 1;
  const SLACK = 1.4;
  const EPSILON = 2 ** -23; // of 32-bit floats

  // The kernels --------------------------------------------------------------------------------------------------

  const plain = {
    name: "JavaScript",
    floats: (n) => new Float32Array(n),

    // C = A B: C has m rows of n, B has k rows of n. From one row of A to the next are `row` numbers, from one column
    // to the next `column`: so A may be a matrix that is turned.
    multiply(A, B, C, m, k, n, row, column) {
      for (let i = 0; i < m; i++) {
        C.fill(0, i * n, (i + 1) * n);
        for (let p = 0; p < k; p++) {
          const a = A[i * row + p * column];
          for (let j = 0, at = i * n, from = p * n; j < n; j++) C[at + j] += round(a * B[from + j]);
        }
      }
    },

    // AdamW on n weights W, whose gradient is G times a share; G becomes the update. Both moments, and one step.
    adamw(W, G, mean, square, n, { share, keep_mean, add_mean, keep_square, add_square, grown_mean, grown_square, tiny, decay, rate }) {
      for (let i = 0; i < n; i++) {
        const gradient = round(share * G[i]);
        mean[i] = round(add_mean * gradient) + round(keep_mean * mean[i]);
        square[i] = round(add_square * round(gradient * gradient)) + round(keep_square * square[i]);
        const root = round(round(Math.sqrt(round(square[i] / grown_square))) + tiny);
        G[i] = -rate * round(round(round(mean[i] / grown_mean) / root) + round(decay * W[i]));
        W[i] += G[i];
      }
    },
  };

  // The same from kernels.c; null where a browser has no WebAssembly with SIMD.
  async function compiled(bytes) {
    let exports;
    try {
      ({ exports } = (await WebAssembly.instantiate(bytes, {})).instance);
    } catch {
      return null;
    }
    const { memory, multiply, adamw } = exports;
    const PAGE = 65536;
    const BIGGEST = 512; // pages: 32 MB; what the network of the page and its batches take is half
    memory.grow(BIGGEST - memory.buffer.byteLength / PAGE);
    let free = exports.__heap_base.value;
    return {
      name: "WebAssembly",
      floats(n) {
        const found = new Float32Array(memory.buffer, (free = Math.ceil(free / 64) * 64), n);
        free += 4 * n;
        return found;
      },
      multiply: (A, B, C, ...sizes) => multiply(A.byteOffset, B.byteOffset, C.byteOffset, ...sizes),
      adamw: (W, G, mean, square, n, numbers) =>
        adamw(W.byteOffset, G.byteOffset, mean.byteOffset, square.byteOffset, n, ...Object.values(numbers)),
    };
  }

  // Random numbers, the same ones from the same seed in every browser: Marsaglia's xorshift, stirred by a multiplication.
  function random(seed) {
    let state = (Math.imul(seed, 0x9e3779b9) ^ 0x6a09e667) >>> 0 || 1;
    return () => {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      return (Math.imul(state, 0x2c9277b5) >>> 0) / 2 ** 32;
    };
  }

  // An order of the examples 0 to N - 1, each as likely as any other.
  function shuffled(N, draw) {
    const order = Uint32Array.from({ length: N }, (_, i) => i);
    for (let i = N - 1; i > 0; i--) {
      const j = Math.floor(draw() * (i + 1));
      [order[i], order[j]] = [order[j], order[i]];
    }
    return order;
  }

  // The weights that a network starts from, as `weights` gives them: of the generator and then of the amortiser.
  function randomWeights({ sizes, seed }) {
    const draws = random(seed);
    const above = sizes.slice(0, -1);
    const maps = [...above.map((n, l) => [n, sizes[l + 1]]), ...above.map((n, l) => [sizes[l + 1], n])];
    return maps.map(([inputs, outputs]) =>
      Float32Array.from({ length: inputs * outputs }, () => (2 * draws() - 1) / Math.sqrt(inputs)));
  }

  // The learning rate at an iteration of `total`: it rises over the first fifth and falls to almost nothing, both along a
  // cosine, or is constant.
  function rateAt({ schedule, learning_rate }, iteration, total) {
    if (schedule === "constant") return learning_rate;
    if (schedule !== "one-cycle") throw new Error(`schedule ${schedule} given, constant or one-cycle expected`);
    const top = Math.floor(0.2 * total);
    const [from, to, share] =
      iteration < top
        ? [learning_rate / 25, learning_rate, iteration / top]
        : [learning_rate, learning_rate / 25 / 1e4, (iteration - top) / (total - top)];
    return to + ((from - to) / 2) * (Math.cos(Math.PI * Math.min(1, share)) + 1);
  }

  // A network that learns. `settings` has the fields of the package's Config; `total` is how many iterations the whole
  // run takes. The weights are drawn from the seed.
  function makeLearner(settings, total, kernels) {
    const { sizes, rule } = settings;
    const L = sizes.length - 1;
    if (settings.activation !== "relu" || settings.use_bias) {
      throw new Error("a network that learns here has relu, and no bias");
    }
    const layers = sizes.map((_, l) => l);
    const hidden = layers.slice(1, L);
    let iteration = 0;

    // A linear map, prediction W x: its weights as in the package, a row for each output, and turned; its gradient;
    // Adam's two moments; and a bound of its spectral norm, now and when it was last measured.
    function map(inputs, outputs) {
      const fresh = () => kernels.floats(4 * Math.ceil((inputs * outputs) / 4));
      return {
        inputs, outputs, W: fresh(), turned: fresh(), G: fresh(), mean: fresh(), square: fresh(), now: 0, measured: 0,
      };
    }
    const generator = layers.slice(0, L).map((l) => map(sizes[l], sizes[l + 1])); // of layer l + 1, from above
    const amortiser = layers.slice(0, L).map((l) => map(sizes[l + 1], sizes[l])); // of layer l, from below
    const maps = [...generator, ...amortiser];

    function turn({ W, turned, inputs, outputs }) {
      for (let i = 0; i < outputs; i++) for (let j = 0; j < inputs; j++) turned[j * outputs + i] = W[i * inputs + j];
    }

    // Spectral norms and steps, as in the package's curvature.py ---------------------------------------------------

    const side = Math.max(...maps.map(({ inputs, outputs }) => Math.min(inputs, outputs)));
    const squares = [kernels.floats(side * side), kernels.floats(side * side)];
    const length = (x, n = x.length) => {
      let sum = 0;
      for (let i = 0; i < n; i++) sum += x[i] * x[i];
      return Math.sqrt(sum);
    };

    // A bound of |W| from above: |W|^2 <= |G^(2^k)|^(1 / 2^k) with G = W W'.
    function spectralNorm({ W, turned, inputs, outputs }, squarings) {
      const [A, B, n, k] = outputs <= inputs ? [W, turned, outputs, inputs] : [turned, W, inputs, outputs];
      let [G, next] = squares;
      kernels.multiply(A, B, G, n, k, n, k, 1);
      let log = 0;
      for (let squared = 0; squared < squarings; squared++) {
        const size = Math.max(length(G, n * n), 1e-37);
        for (let i = 0; i < n * n; i++) G[i] /= size;
        log += Math.log(size) / 2 ** squared;
        kernels.multiply(G, G, next, n, n, n, n, 1);
        [G, next] = [next, G];
      }
      log += Math.log(Math.max(length(G, n * n), 1e-37)) / 2 ** squarings;
      return Math.exp(log / 2) * (1 + 1e-4);
    }

    // After an update U, |W + U| <= |W| + |U|; a bound that has grown far is measured anew, if a layer's step is
    // made of it: both ends are clamped here.
    const inSteps = new Set([...generator.slice(1), ...amortiser.slice(0, -1)]);
    function followNorm(m) {
      const n = m.inputs * m.outputs;
      m.now = (1 + EPSILON * Math.sqrt(Math.min(m.inputs, m.outputs))) * (m.now + length(m.G, n));
      if (inSteps.has(m) && m.now > SLACK * m.measured) m.now = m.measured = spectralNorm(m, IN_TRAINING);
    }

    // Precisions by layer; what the rule does not weigh is 0.
    function weighed([gen, disc]) {
      const of = (alpha, l) => (Array.isArray(alpha) ? alpha[l] : alpha);
      return {
        gen: layers.map((l) => (l > 0 ? gen * of(settings.alpha_gen, l - 1) : 0)),
        disc: layers.map((l) => (l < L ? disc * of(settings.alpha_disc, l) : 0)),
      };
    }

    // Each layer's step: the rate over a bound of the curvature along its activities.
    const layerSteps = ({ gen, disc }) =>
      layers.map((l) => {
        const above = l < L ? gen[l + 1] * generator[l].now ** 2 : 0;
        const below = l > 0 ? disc[l - 1] * amortiser[l - 1].now ** 2 : 0;
        return settings.step_size / Math.max(gen[l] + disc[l] + above + below, 1e-12);
      });

    // Activities of a batch, and all that follows from them ----------------------------------------------------------

    // Room for so many examples: activities z, firing rates act(z), what f and g predict of each layer, and the errors
    // e and d. A prediction or an error is computed when it is asked for, and again only once something that it depends
    // on has moved.
    function makeBatch(rows) {
      const fresh = () => sizes.map((n) => kernels.floats(rows * n));
      const [z, rates, e, d, f, g, gradients, sent] = Array.from({ length: 8 }, fresh);
      const known = { e: [], d: [], f: [], g: [] };

      // Layer l has moved.
      function moved(l) {
        if (l > 0 && l < L) for (let i = 0; i < rows * sizes[l]; i++) rates[l][i] = z[l][i] > 0 ? z[l][i] : 0;
        else rates[l].set(z[l]);
        known.e[l] = known.e[l + 1] = known.f[l + 1] = false;
        known.d[l] = known.d[l - 1] = known.g[l - 1] = false;
      }

      // What is predicted of layer l, from above by f_{l-1} and from below by g_l.
      function fromAbove(l) {
        if (!known.f[l]) predict(generator[l - 1], rates[l - 1], f[l]);
        known.f[l] = true;
        return f[l];
      }
      function fromBelow(l) {
        if (!known.g[l]) predict(amortiser[l], rates[l + 1], g[l]);
        known.g[l] = true;
        return g[l];
      }
      const predict = ({ turned, inputs, outputs }, x, y) =>
        kernels.multiply(x, turned, y, rows, inputs, outputs, inputs, 1);

      // e_l = z_l - f_{l-1}(z_{l-1}) and d_l = z_l - g_l(z_{l+1})
      function errorFromAbove(l) {
        if (!known.e[l]) subtract(z[l], fromAbove(l), e[l]);
        known.e[l] = true;
        return e[l];
      }
      function errorFromBelow(l) {
        if (!known.d[l]) subtract(z[l], fromBelow(l), d[l]);
        known.d[l] = true;
        return d[l];
      }
      function subtract(a, b, c) {
        for (let i = 0; i < c.length; i++) c[i] = a[i] - b[i];
      }

      // E = sum of alpha_gen_l / 2 |e_l|^2 + alpha_disc_l / 2 |d_l|^2, in its two parts, the mean of the batch.
      function energy({ gen, disc }) {
        const half = (alpha, error) => (alpha / 2) * length(error) ** 2;
        const parts = { e: 0, d: 0 };
        for (const l of layers) {
          if (gen[l]) parts.e += half(gen[l], errorFromAbove(l)) / rows;
          if (disc[l]) parts.d += half(disc[l], errorFromBelow(l)) / rows;
        }
        return parts;
      }

      // dE/dz_l = gen_l e_l + disc_l d_l - act'(z_l) (gen_{l+1} V_l^T e_{l+1} + disc_{l-1} W_{l-1}^T d_{l-1})
      function gradient({ gen, disc }, l) {
        const slope = gradients[l].fill(0);
        const active = l > 0 && l < L ? (i) => z[l][i] > 0 : () => true;
        function sendBack(alpha, { W, inputs, outputs }, error) {
          kernels.multiply(error, W, sent[l], rows, outputs, inputs, outputs, 1);
          for (let i = 0; i < slope.length; i++) if (active(i)) slope[i] -= alpha * sent[l][i];
        }
        function add(alpha, error) {
          for (let i = 0; i < slope.length; i++) slope[i] += alpha * error[i];
        }
        if (l < L && gen[l + 1]) sendBack(gen[l + 1], generator[l], errorFromAbove(l + 1));
        if (l > 0 && disc[l - 1]) sendBack(disc[l - 1], amortiser[l - 1], errorFromBelow(l - 1));
        if (gen[l]) add(gen[l], errorFromAbove(l));
        if (disc[l]) add(disc[l], errorFromBelow(l));
        return slope;
      }

      // Inference: layers descend the energy, in turn from the label to the image, or all at once.
      function settle(alphas, free, steps, in_turn) {
        const size = layerSteps(alphas);
        for (let step = 0; step < steps; step++) {
          for (const moving of in_turn ? free.map((l) => [l]) : [free]) {
            for (const l of moving) gradient(alphas, l);
            for (const l of moving) {
              for (let i = 0; i < z[l].length; i++) z[l][i] -= size[l] * gradients[l][i];
              moved(l);
            }
          }
        }
      }

      function sweepUp() {
        for (let l = L - 1; l >= 0; l--) {
          z[l].set(fromBelow(l));
          moved(l);
          known.g[l] = true; // what it was set to
        }
      }
      function sweepDown() {
        for (let l = 1; l <= L; l++) {
          z[l].set(fromAbove(l));
          moved(l);
          known.f[l] = true;
        }
      }

      return { rows, z, rates, g, moved, fromAbove, fromBelow, errorFromAbove, errorFromBelow, energy, settle, sweepUp, sweepDown };
    }

    const batch = makeBatch(settings.batch_size);
    const ten = makeBatch(sizes[0]); // one example of each label
    const many = makeBatch(250); // to evaluate with
    const swept = sizes.map((n) => [0, 0].map(() => kernels.floats(batch.rows * n))); // g and rates, kept of a sweep

    // Bytes of an image as activities.
    const activity = Float32Array.from({ length: 256 }, (_, byte) =>
      round(round(byte / 255) - round(settings.pixel_mean)) / round(settings.pixel_std));

    function put(b, images, chosen) {
      const n = sizes[L];
      b.z[L].fill(0);
      for (let row = 0; row < chosen.length; row++) {
        for (let i = 0, from = chosen[row] * n, to = row * n; i < n; i++) b.z[L][to + i] = activity[images[from + i]];
      }
      b.moved(L);
    }

    function putLabels(b, labels) {
      b.z[0].fill(0);
      labels.forEach((label, row) => (b.z[0][row * sizes[0] + label] = 1));
      b.moved(0);
    }

    // Learn from one batch: sweep, settle with both ends clamped, then move the weights. Gives the two parts of the
    // energy before inference and after it. `chosen` says which of the images, as bytes, and of the labels.
    function learn(images, labels, chosen) {
      const moves = weighed(rule.moves);
      const teaches = weighed(rule.teaches);
      const given = Array.from(chosen, (index) => labels[index]);
      put(batch, images, chosen);
      if (rule.start === "image") {
        batch.sweepUp();
        layers.forEach((l) => {
          if (rule.amortiser_inputs !== "swept") return;
          swept[l][0].set(batch.g[l]);
          swept[l][1].set(batch.rates[l]);
        });
        putLabels(batch, given);
      } else {
        putLabels(batch, given);
        batch.sweepDown();
        put(batch, images, chosen);
      }
      if (settings.wrong_order) reverse();
      const before = batch.energy(moves);
      batch.settle(moves, hidden, settings.steps, settings.in_turn);
      const after = batch.energy(moves);

      for (let l = 0; l < L; l++) {
        const taught = rule.amortiser_inputs === "swept" ? settledLessSwept(l) : null;
        descend(generator[l], teaches.gen[l + 1], () => batch.errorFromAbove(l + 1), batch.rates[l]);
        if (taught) descend(amortiser[l], teaches.disc[l], () => taught, swept[l + 1][1]);
        else descend(amortiser[l], teaches.disc[l], () => batch.errorFromBelow(l), batch.rates[l + 1]);
      }
      iteration += 1;
      return { before, after };
    }

    // What goes wrong where a list of activities, made from the image to the label, is taken for one from the label to
    // the image: with hidden layers of one width their shapes do not show it.
    function reverse() {
      const reversed = hidden.map((l) => batch.z[L - l].slice());
      hidden.forEach((l, i) => {
        batch.z[l].set(reversed[i]);
        batch.moved(l);
      });
    }

    function settledLessSwept(l) {
      const [d] = swept[l];
      for (let i = 0; i < d.length; i++) d[i] = batch.z[l][i] - d[i];
      return d;
    }

    // One step of AdamW down dE/dW = -alpha <error x^T>, with <> the mean of the batch.
    function descend(m, alpha, error, x) {
      const n = m.inputs * m.outputs;
      if (alpha) kernels.multiply(error(), x, m.G, m.outputs, batch.rows, m.inputs, 1, m.outputs);
      else m.G.fill(0);
      const [beta_1, beta_2] = [0.9, 0.999];
      const grown = (beta) => round(1 - round(round(beta) ** (iteration + 1))); // by how much a moment falls short yet
      kernels.adamw(m.W, m.G, m.mean, m.square, n, {
        share: round(-alpha / batch.rows),
        keep_mean: round(beta_1),
        add_mean: round(1 - beta_1),
        keep_square: round(beta_2),
        add_square: round(1 - beta_2),
        grown_mean: grown(beta_1),
        grown_square: grown(beta_2),
        tiny: round(1e-8),
        decay: round(settings.weight_decay),
        rate: round(rateAt(settings, iteration, total)),
      });
      turn(m);
      followNorm(m);
    }

    // What it has learned ------------------------------------------------------------------------------------------

    // The label that each image is taken for: the largest after a sweep up, or, where no amortiser is taught, after
    // inference of so many steps with the label free.
    function classify(images, count, steps = settings.classify_steps) {
      const found = [];
      for (let from = 0; from < count; from += many.rows) {
        const chosen = Array.from({ length: Math.min(many.rows, count - from) }, (_, row) => from + row);
        put(many, images, chosen);
        if (rule.start === "image" || rule.teaches[1]) many.sweepUp();
        else {
          many.z[0].fill(1 / sizes[0]);
          many.moved(0);
          many.sweepDown();
          put(many, images, chosen);
        }
        many.settle(weighed(rule.moves), layers.slice(0, L), steps, false);
        const n = sizes[0];
        for (const row of chosen.keys()) {
          const z = many.z[0].subarray(row * n, (row + 1) * n);
          found.push(z.reduce((best, x, k) => (x > z[best] ? k : best), 0));
        }
      }
      return found;
    }

    // The image that a sweep down from each label gives, one after the other, as bytes.
    function draw() {
      putLabels(ten, ten.z[0].subarray(0, ten.rows).map((_, k) => k));
      ten.sweepDown();
      return Uint8ClampedArray.from(ten.z[L], (x) => 255 * (x * settings.pixel_std + settings.pixel_mean));
    }

    const whole = () => maps.every(({ now }) => Number.isFinite(now));

    // All weights, of the generator and then of the amortiser, each as in the package; or set them.
    const weights = () => maps.map(({ W, inputs, outputs }) => W.slice(0, inputs * outputs));
    function load(given) {
      maps.forEach((m, i) => {
        m.W.set(given[i]);
        turn(m);
        m.now = m.measured = spectralNorm(m, SQUARINGS);
      });
    }
    load(randomWeights(settings));

    return { learn, classify, draw, weights, load, whole, kernels: kernels.name, iteration: () => iteration };
  }

  return { plain, compiled, makeLearner, random, randomWeights, shuffled, rateAt };
}
