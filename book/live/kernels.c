// The two hot loops of learning, in C for WebAssembly with SIMD, four floats at a time. They are the plain loops of
// learning.js, and add in the same order, so that both give the same bits. `make kernels` writes kernels.js from this.

#define EXPORT(name) __attribute__((export_name(#name)))
#define INLINED static inline __attribute__((always_inline))

typedef float four __attribute__((vector_size(16), aligned(4))); // which may begin at any float

enum { ROWS = 4, FOURS = 2 }; // of C that stay in registers

// C = A B from row i and column j on, for so many rows and fours of columns.
INLINED void tile(int rows, int fours, const float *A, const float *B, float *C, int k, int n, int row, int column) {
  four sum[ROWS][FOURS] = {0};
  for (int p = 0; p < k; p++, A += column, B += n)
    for (int r = 0; r < rows; r++)
      for (int v = 0; v < fours; v++) sum[r][v] += A[r * row] * ((const four *)B)[v];
  for (int r = 0; r < rows; r++)
    for (int v = 0; v < fours; v++) ((four *)(C + r * n))[v] = sum[r][v];
}

// C = A B: C has m rows of n, B has k rows of n. From one row of A to the next are `row` floats, from one column to the
// next `column`: so A may be a matrix that is turned.
EXPORT(multiply) void multiply(const float *A, const float *B, float *C, int m, int k, int n, int row, int column) {
  int j = 0;
  for (; j + 4 * FOURS <= n; j += 4 * FOURS) {
    int i = 0;
    for (; i + ROWS <= m; i += ROWS) tile(ROWS, FOURS, A + i * row, B + j, C + i * n + j, k, n, row, column);
    for (; i < m; i++) tile(1, FOURS, A + i * row, B + j, C + i * n + j, k, n, row, column);
  }
  for (; j < n; j++)
    for (int i = 0; i < m; i++) {
      float sum = 0;
      for (int p = 0; p < k; p++) sum += A[i * row + p * column] * B[p * n + j];
      C[i * n + j] = sum;
    }
}

// AdamW on n weights W, whose gradient is G times a share; G becomes the update. Both moments, and one step. Room for n
// is rounded up to fours.
EXPORT(adamw) void adamw(four *W, four *G, four *mean, four *square, int n, float share, float keep_mean,
                         float add_mean, float keep_square, float add_square, float grown_mean, float grown_square,
                         float tiny, float decay, float rate) {
  for (int i = 0; 4 * i < n; i++) {
    four gradient = share * G[i];
    mean[i] = add_mean * gradient + keep_mean * mean[i];
    square[i] = add_square * (gradient * gradient) + keep_square * square[i];
    G[i] = -rate * (mean[i] / grown_mean / (__builtin_elementwise_sqrt(square[i] / grown_square) + tiny) + decay * W[i]);
    W[i] += G[i];
  }
}
