/* An LSTM that ltdcheck can ask: one JSON message a line on stdin, one answer a line on stdout.

   cc -O2 lstm.c -lm -o lstm && ltdcheck check exec:./lstm

   a = W x + U h + b, for the gates i f g o under each other;  i, f, o = sigmoid(a), g = tanh(a)
   c' = f c + i g,  h' = o tanh(c')
   W (4H, I), U (4H, H), b (4H); x (T, B, I); h, c (B, H). Arrays lie row by row. A row that ends before step T keeps its
   state from there on, and its outputs are 0. */

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* -- the network -------------------------------------------------------------------------------------------- */

static int I, H, T, B;         /* sizes */
static double *W, *U, *b, *x;  /* of the last forward */
static double *h, *c;          /* (T+1, B, H): before every step, and after the last */
static double *gates;          /* (T, B, 4H): i f g o */
static double *y;              /* (T, B, H) */
static int *length;            /* (B) */

static double sigmoid(double a) { return 1 / (1 + exp(-a)); }

static void forward(void) {
    for (int t = 0; t < T; t++)
        for (int r = 0; r < B; r++) {
            double *x_t = x + (t * B + r) * I, *gate = gates + (t * B + r) * 4 * H;
            double *h_old = h + (t * B + r) * H, *c_old = c + (t * B + r) * H;
            double *h_new = h_old + B * H, *c_new = c_old + B * H;
            if (t >= length[r]) {
                memcpy(h_new, h_old, sizeof(double) * H), memcpy(c_new, c_old, sizeof(double) * H);
                continue;
            }
            for (int k = 0; k < 4 * H; k++) {
                double a = b[k];
                for (int j = 0; j < I; j++) a += W[k * I + j] * x_t[j];
                for (int j = 0; j < H; j++) a += U[k * H + j] * h_old[j];
                gate[k] = k / H == 2 ? tanh(a) : sigmoid(a);
            }
            for (int k = 0; k < H; k++) {
                double i = gate[k], f = gate[H + k], g = gate[2 * H + k], o = gate[3 * H + k];
                c_new[k] = f * c_old[k] + i * g;
                h_new[k] = y[(t * B + r) * H + k] = o * tanh(c_new[k]);
            }
        }
}

/* From dy, and dh, dc at the end: dx, dW, dU, db, which are 0 before, and dh, dc at the beginning. */
static void backward(double *dy, double *dh, double *dc, double *dx, double *dW, double *dU, double *db) {
    double *da = malloc(sizeof(double) * (4 * H + 1));
    for (int t = T - 1; t >= 0; t--)
        for (int r = 0; r < B; r++) {
            double *x_t = x + (t * B + r) * I, *gate = gates + (t * B + r) * 4 * H;
            double *h_old = h + (t * B + r) * H, *c_old = c + (t * B + r) * H, *c_new = c_old + B * H;
            if (t >= length[r]) continue; /* dh and dc wait for the row's last step */
            for (int k = 0; k < H; k++) {
                double i = gate[k], f = gate[H + k], g = gate[2 * H + k], o = gate[3 * H + k], s = tanh(c_new[k]);
                double dh_k = dh[r * H + k] + dy[(t * B + r) * H + k]; /* from the next step, and from y */
                double dc_k = dc[r * H + k] + dh_k * o * (1 - s * s);
                da[k] = dc_k * g * i * (1 - i);
                da[H + k] = dc_k * c_old[k] * f * (1 - f);
                da[2 * H + k] = dc_k * i * (1 - g * g);
                da[3 * H + k] = dh_k * s * o * (1 - o);
                dc[r * H + k] = dc_k * f;
                dh[r * H + k] = 0;
            }
            for (int k = 0; k < 4 * H; k++) {
                db[k] += da[k];
                for (int j = 0; j < I; j++) dW[k * I + j] += da[k] * x_t[j];
                for (int j = 0; j < H; j++) dU[k * H + j] += da[k] * h_old[j];
                for (int j = 0; j < I; j++) dx[(t * B + r) * I + j] += da[k] * W[k * I + j];
                for (int j = 0; j < H; j++) dh[r * H + j] += da[k] * U[k * H + j];
            }
        }
    free(da);
}

/* -- reading JSON: a pointer to a value is enough, and NULL is what is not there or is no JSON ---------------- */

static const char *space(const char *p) { return p ? p + strspn(p, " \t\r\n") : NULL; }

static const char *skip(const char *p); /* behind the value at p */

static const char *skip_string(const char *p) {
    for (p++; *p && *p != '"'; p++)
        if (*p == '\\' && !*++p) return NULL;
    return *p ? p + 1 : NULL;
}

/* Behind the list or object at p; where it has the member `name`, *found is its value. */
static const char *skip_members(const char *p, const char *name, const char **found) {
    char end = *p == '{' ? '}' : ']';
    p = space(p + 1);
    if (p && *p == end) return p + 1;
    while (p) {
        int named = 0;
        if (end == '}') {
            if (*p != '"') return NULL;
            named = name && !strncmp(p + 1, name, strlen(name)) && p[1 + strlen(name)] == '"';
            if (!(p = space(skip_string(p))) || *p != ':') return NULL;
            p = space(p + 1);
        }
        if (named) *found = p;
        p = space(skip(p));
        if (p && *p == end) return p + 1;
        p = p && *p == ',' ? space(p + 1) : NULL;
    }
    return NULL;
}

static const char *skip(const char *p) {
    if (*p == '"') return skip_string(p);
    if (*p == '{' || *p == '[') return skip_members(p, NULL, NULL);
    size_t n = strcspn(p, " \t\r\n,]}");
    return n ? p + n : NULL;
}

static const char *member(const char *object, const char *name) {
    const char *found = NULL;
    if (object && *object == '{') skip_members(object, name, &found);
    return found;
}

static int is(const char *p, const char *string) { /* the value at p is this string */
    size_t n = strlen(string);
    return p && *p == '"' && !strncmp(p + 1, string, n) && p[1 + n] == '"';
}

static const char *item(const char *list, int k) { /* of a list without lists in it */
    const char *p = list && *list == '[' ? space(list + 1) : NULL;
    while (p && k-- > 0) p = (p = space(skip(p))) && *p == ',' ? space(p + 1) : NULL;
    return p && *p != ']' ? p : NULL;
}

/* The values of an array, into n numbers of our own: "0x1.8p+1", "NaN", or 3.0. */
static int read_array(const char *array, double *numbers, int n) {
    const char *p = member(array, "values");
    if (!p || *p != '[') return 0;
    p = space(p + 1);
    for (int k = 0; k < n; k++) {
        char *end;
        if (*p == '"') p++;
        numbers[k] = strtod(p, &end);
        if (end == p) return 0;
        p = space(*end == '"' ? end + 1 : end);
        if (k < n - 1 && *p++ != ',') return 0;
        p = space(p);
    }
    return *p == ']';
}

/* The steps of each row: T of all where the list is not there. */
static int read_lengths(const char *list) {
    const char *p = list && *list == '[' ? space(list + 1) : NULL;
    for (int r = 0; r < B; r++) {
        char *end;
        length[r] = p ? (int)strtol(p, &end, 10) : T;
        if (length[r] < 0 || length[r] > T || (p && end == p)) return 0;
        if (p && (p = space(end)) && r < B - 1 && *p++ != ',') return 0;
    }
    return !p || *p == ']';
}

/* -- the protocol ------------------------------------------------------------------------------------------- */

static int id;        /* of the message that is answered; -1 where it has none */
static int started, ran;

static void begin(void) {
    if (id < 0) printf("{\"id\": null");
    else printf("{\"id\": %d", id);
}

static void error(const char *why) {
    begin();
    printf(", \"error\": \"%s\"}\n", why);
}

static void write_array(const char *before, const double *numbers, int n, const char *shape) {
    printf("%s{\"shape\": [%s], \"values\": [", before, shape);
    for (int k = 0; k < n; k++) printf(k ? ", \"%a\"" : "\"%a\"", numbers[k]);
    printf("]}");
}

static char *shape(int rank, int m, int n, int o) { /* one of three, so that a statement may hold several */
    static char text[3][64];
    static int turn;
    char *s = text[turn = (turn + 1) % 3];
    snprintf(s, 64, rank == 1 ? "%d" : rank == 2 ? "%d, %d" : "%d, %d, %d", m, n, o);
    return s;
}

static double *zeros(int n) { return calloc(n + 1, sizeof(double)); }

static void start(const char *message) {
    const char *i = member(message, "input_size"), *k = member(message, "hidden_size");
    if (!i || !k || atoi(i) < 0 || atoi(k) < 1) {
        error("'start' needs input_size >= 0 and hidden_size >= 1");
        return;
    }
    I = atoi(i), H = atoi(k), started = 1, ran = 0;
    begin();
    printf(", \"name\": \"lstm.c\", \"version\": \"1\", \"cells\": [\"lstm\"], \"precisions\": [\"float64\"], "
           "\"numbers\": \"hexadecimal\", \"parameters\": {\"W\": [%d, %d], \"U\": [%d, %d], \"b\": [%d]}, "
           "\"states\": 2, \"backward\": true, \"lengths\": true}\n", 4 * H, I, 4 * H, H, 4 * H);
}

static void run_forward(const char *message) {
    const char *params = member(message, "params"), *state = member(message, "state"), *sequence = member(message, "x");
    const char *sizes = member(sequence, "shape");
    ran = 0;
    if (!started || !params || !state || !item(sizes, 1)) {
        error("'forward' needs a 'start' before it, and params, x and state");
        return;
    }
    T = atoi(item(sizes, 0)), B = atoi(item(sizes, 1));
    free(W), free(U), free(b), free(x), free(h), free(c), free(gates), free(y), free(length);
    W = zeros(4 * H * I), U = zeros(4 * H * H), b = zeros(4 * H), x = zeros(T * B * I);
    h = zeros((T + 1) * B * H), c = zeros((T + 1) * B * H), gates = zeros(T * B * 4 * H);
    y = zeros(T * B * H), length = calloc(B + 1, sizeof(int));
    if (!read_array(member(params, "W"), W, 4 * H * I) || !read_array(member(params, "U"), U, 4 * H * H) ||
        !read_array(member(params, "b"), b, 4 * H) || !read_array(sequence, x, T * B * I) ||
        !read_lengths(member(message, "lengths")) ||
        (*state == '[' && (!read_array(item(state, 0), h, B * H) || !read_array(item(state, 1), c, B * H)))) {
        error("an array of 'forward' has not as many numbers as it should, or 'lengths' are not from 0 to T");
        return;
    }
    forward();
    ran = 1;
    begin();
    write_array(", \"y\": ", y, T * B * H, shape(3, T, B, H));
    write_array(", \"state\": [", h + T * B * H, B * H, shape(2, B, H, 0));
    write_array(", ", c + T * B * H, B * H, shape(2, B, H, 0));
    printf("]}\n");
}

static void run_backward(const char *message) {
    const char *dstate = member(message, "dstate");
    if (!ran) {
        error("'backward' needs a 'forward' before it");
        return;
    }
    double *dy = zeros(T * B * H), *dh = zeros(B * H), *dc = zeros(B * H), *dx = zeros(T * B * I);
    double *dW = zeros(4 * H * I), *dU = zeros(4 * H * H), *db = zeros(4 * H);
    if (read_array(member(message, "dy"), dy, T * B * H) && read_array(item(dstate, 0), dh, B * H) &&
        read_array(item(dstate, 1), dc, B * H)) {
        backward(dy, dh, dc, dx, dW, dU, db);
        begin();
        write_array(", \"dx\": ", dx, T * B * I, shape(3, T, B, I));
        write_array(", \"dstate\": [", dh, B * H, shape(2, B, H, 0));
        write_array(", ", dc, B * H, shape(2, B, H, 0));
        write_array("], \"dparams\": {\"W\": ", dW, 4 * H * I, shape(2, 4 * H, I, 0));
        write_array(", \"U\": ", dU, 4 * H * H, shape(2, 4 * H, H, 0));
        write_array(", \"b\": ", db, 4 * H, shape(1, 4 * H, 0, 0));
        printf("}}\n");
    } else
        error("an array of 'backward' has not as many numbers as it should");
    free(dy), free(dh), free(dc), free(dx), free(dW), free(dU), free(db);
}

static char *line; /* of any length */

static int read_line(void) {
    static size_t room;
    size_t n = 0;
    for (int byte; (byte = getchar()) != EOF && byte != '\n'; line[n++] = byte)
        if (n + 1 >= room) line = realloc(line, room = 2 * room + 1024);
    if (!line) line = calloc(1, 1);
    line[n] = 0;
    return !feof(stdin);
}

int main(void) {
    while (read_line()) {
        const char *message = space(line), *end = *message == '{' ? skip(message) : NULL, *what, *number;
        if (!end || *space(end)) message = NULL; /* no JSON, or something behind it */
        what = member(message, "message"), number = member(message, "id");
        id = number ? atoi(number) : -1;
        if (is(what, "start")) start(message);
        else if (is(what, "forward")) run_forward(message);
        else if (is(what, "backward")) run_backward(message);
        else if (is(what, "stop")) begin(), printf("}\n");
        else error("what is asked is not start, forward, backward or stop");
        fflush(stdout);
        if (is(what, "stop")) return 0;
    }
    return 0;
}
