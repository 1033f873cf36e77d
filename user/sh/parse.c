/*
 * From text to tree, by recursive descent:
 *
 *     list    = chain { (";" | "&" | newline) chain }
 *     chain   = pipe { ("&&" | "||") pipe }
 *     pipe    = command { "|" command }
 *     command = { word | redirection } | "(" list ")" { redirection }
 *
 * A level with a single child is that child. The first error is reported with
 * what stands there and ends the parse; parentheses nest as deep as MAX_DEPTH,
 * for which the shell's stack has room.
 */
#include "sh.h"

#define ARENA_BYTES (64 << 10)
#define MAX_DEPTH   32

enum token {
    TOKEN_END,
    TOKEN_WORD,
    TOKEN_SEMICOLON, /* or a newline */
    TOKEN_BACKGROUND,
    TOKEN_PIPE,
    TOKEN_AND,
    TOKEN_OR,
    TOKEN_OPEN,
    TOKEN_CLOSE,
    TOKEN_INPUT,
    TOKEN_OUTPUT,
    TOKEN_APPEND,
};

/* Two-byte operators stand before those they begin with. */
static const struct operator
{
    const char *text;
    enum token token;
}
operators[] = {
    {"&&", TOKEN_AND},      {"||", TOKEN_OR},        {">>", TOKEN_APPEND},
    {";", TOKEN_SEMICOLON}, {"\n", TOKEN_SEMICOLON}, {"&", TOKEN_BACKGROUND},
    {"|", TOKEN_PIPE},      {"(", TOKEN_OPEN},       {")", TOKEN_CLOSE},
    {"<", TOKEN_INPUT},     {">", TOKEN_OUTPUT},
};

static const char *at;    /* the text behind the token */
static const char *start; /* the token's text */
static enum token token;  /* the one to be dealt with next */
static int failed;        /* an error was reported */
static int depth;         /* of parentheses */

static char arena[ARENA_BYTES] __attribute__((aligned(16)));
static uint arena_used;

static struct node *parse_list(void);

static void fail(const char *why)
{
    if (!failed)
        fprintf(2, "sh: %s\n", why);
    failed = 1;
    token = TOKEN_END;
}

static void fail_here(void)
{
    char text[48];
    char what[24];
    uint length = at - start;

    if (failed)
        return;
    if (token == TOKEN_END || *start == '\n') {
        fail("syntax error near the end of the line");
        return;
    }
    length = length < sizeof(what) ? length : sizeof(what) - 1;
    memcpy(what, start, length);
    what[length] = '\0';
    calf_format(text, sizeof(text), "syntax error near '%s'", what);
    fail(text);
}

static void *arena_take(uint bytes)
{
    void *memory;

    bytes = (bytes + 15) & ~15U;
    if (ARENA_BYTES - arena_used < bytes) {
        fail("line too long: too many words");
        return 0;
    }
    memory = arena + arena_used;
    arena_used += bytes;
    return memset(memory, 0, bytes);
}

static struct node *make_node(enum node_kind kind)
{
    struct node *node = arena_take(sizeof(*node));

    if (node != 0)
        node->kind = kind;
    return node;
}

static const struct operator* operator_at(const char *text)
{
    for (uint i = 0; i < sizeof(operators) / sizeof(operators[0]); i++) {
        const struct operator* o = & operators[i];
        if (memcmp(text, o->text, strlen(o->text)) == 0)
            return o;
    }
    return 0;
}

/* Moves behind a quoted part whose opening quote is at *at. */
static void skip_quoted(void)
{
    char quote = *at++;

    while (*at != quote) {
        if (*at == '\\' && quote == '"' && at[1] != '\0')
            at++;
        if (*at == '\0') {
            fail("missing closing quote");
            return;
        }
        at++;
    }
    at++;
}

static void skip_word(void)
{
    while (!failed && *at != '\0' && *at != ' ' && *at != '\t' &&
           operator_at(at) == 0) {
        if (*at == '\'' || *at == '"') {
            skip_quoted();
        } else if (*at == '\\' && at[1] == '\0') {
            fail("nothing behind \\");
        } else {
            at += *at == '\\' ? 2 : 1;
        }
    }
}

static void advance(void)
{
    const struct operator* o;

    if (failed)
        return;
    while (*at == ' ' || *at == '\t' || *at == '\r')
        at++;
    if (*at == '#') {
        while (*at != '\0' && *at != '\n')
            at++;
    }
    start = at;
    o = operator_at(at);
    if (*at == '\0') {
        token = TOKEN_END;
    } else if (o != 0) {
        token = o->token;
        at += strlen(o->text);
    } else {
        token = TOKEN_WORD;
        skip_word();
    }
}

static struct word *take_word(void)
{
    struct word *word;

    if (token != TOKEN_WORD) {
        fail_here();
        return 0;
    }
    word = arena_take(sizeof(*word));
    if (word != 0) {
        word->text = start;
        word->length = at - start;
        advance();
    }
    return word;
}

static struct redirection *take_redirection(void)
{
    struct redirection *r = arena_take(sizeof(*r));

    if (r == 0)
        return 0;
    if (token == TOKEN_INPUT)
        r->kind = REDIRECT_INPUT;
    else
        r->kind = token == TOKEN_OUTPUT ? REDIRECT_OUTPUT : REDIRECT_APPEND;
    advance();
    r->file = take_word();
    return r;
}

static int at_redirection(void)
{
    return token == TOKEN_INPUT || token == TOKEN_OUTPUT ||
           token == TOKEN_APPEND;
}

static struct node *parse_group(void)
{
    struct node *group = make_node(NODE_GROUP);

    if (depth == MAX_DEPTH)
        fail("too many nested parentheses");
    depth++;
    advance();
    if (group == 0 || failed || (group->first = parse_list()) == 0 ||
        token != TOKEN_CLOSE) {
        fail_here();
        return 0;
    }
    depth--;
    advance();
    return group;
}

static struct node *parse_command(void)
{
    struct node *command;
    struct word **words;
    struct redirection **redirections;

    if (token == TOKEN_OPEN)
        command = parse_group();
    else if (token == TOKEN_WORD || at_redirection())
        command = make_node(NODE_COMMAND);
    else
        command = 0;
    if (command == 0) {
        fail_here();
        return 0;
    }
    words = &command->words;
    redirections = &command->redirections;
    while (!failed) {
        if (at_redirection()) {
            if ((*redirections = take_redirection()) != 0)
                redirections = &(*redirections)->next;
        } else if (token == TOKEN_WORD && command->kind == NODE_COMMAND) {
            if ((*words = take_word()) != 0)
                words = &(*words)->next;
        } else {
            break;
        }
    }
    return command;
}

/* A node above the children that begin with first, or first if it is alone. */
static struct node *wrap(enum node_kind kind, struct node *first)
{
    struct node *parent;

    if (first == 0 || (first->next == 0 && !first->background))
        return first;
    parent = make_node(kind);
    if (parent != 0)
        parent->first = first;
    return parent;
}

static struct node *parse_pipe(void)
{
    struct node *first = parse_command();
    struct node *last = first;

    while (!failed && token == TOKEN_PIPE) {
        advance();
        last->next = parse_command();
        last = last->next;
    }
    return wrap(NODE_PIPE, first);
}

static struct node *parse_chain(void)
{
    struct node *first = parse_pipe();
    struct node *last = first;

    while (!failed && (token == TOKEN_AND || token == TOKEN_OR)) {
        enum join join = token == TOKEN_AND ? JOIN_SUCCESS : JOIN_FAILURE;
        advance();
        last->next = parse_pipe();
        last = last->next;
        if (last != 0)
            last->join = join;
    }
    return wrap(NODE_CHAIN, first);
}

static struct node *parse_list(void)
{
    struct node *first = 0;
    struct node **place = &first;

    while (!failed) {
        while (token == TOKEN_SEMICOLON && (first != 0 || *start == '\n'))
            advance();
        if (token == TOKEN_END || token == TOKEN_CLOSE)
            break;
        *place = parse_chain();
        if (*place == 0)
            break;
        (*place)->background = token == TOKEN_BACKGROUND;
        place = &(*place)->next;
        if (token == TOKEN_BACKGROUND || token == TOKEN_SEMICOLON)
            advance();
        else
            break;
    }
    return wrap(NODE_LIST, first);
}

int parse(const char *text, struct node **tree)
{
    at = text;
    failed = 0;
    depth = 0;
    arena_used = 0;
    advance();
    *tree = parse_list();
    if (!failed && token != TOKEN_END)
        fail_here();
    return failed ? -1 : 0;
}
