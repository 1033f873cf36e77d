/*
 * The shell's tree: what a line means, between reading and running it.
 *
 * parse.c makes it, run.c walks it, main.c finds the lines. Nodes live in one
 * arena that the next line takes over. Words are kept as they were typed;
 * quotes and $? are resolved when the command runs, for $? is not known before.
 */
#ifndef CALF_SH_H
#define CALF_SH_H

#include "calf.h"

#define STATUS_USAGE      2
#define STATUS_CANNOT_RUN 126
#define STATUS_NOT_FOUND  127

struct word {
    struct word *next;
    const char *text; /* as typed, not ended by a zero */
    uint length;
};

enum redirection_kind {
    REDIRECT_INPUT,  /* < */
    REDIRECT_OUTPUT, /* > */
    REDIRECT_APPEND, /* >> */
};

struct redirection {
    struct redirection *next;
    enum redirection_kind kind;
    struct word *file;
};

enum node_kind {
    NODE_COMMAND, /* words, redirections */
    NODE_GROUP,   /* ( first ), redirections */
    NODE_PIPE,    /* children joined by | */
    NODE_CHAIN,   /* children joined by && and || */
    NODE_LIST,    /* children joined by ; and & */
};

/* When a child of a chain runs, by the status so far. */
enum join { JOIN_ALWAYS, JOIN_SUCCESS, JOIN_FAILURE };

struct node {
    enum node_kind kind;
    struct node *first; /* child */
    struct node *next;  /* sibling */
    struct word *words;
    struct redirection *redirections;
    enum join join;
    int background; /* in a list: nobody waits for it */
    int pid;        /* of a pipe's child while it runs */
};

/*
 * Reads text (ended by a zero) into a tree that is good until the next call;
 * *tree is 0 if there is nothing to run. text must live as long as the tree.
 * Returns 0, or -1 after saying what is wrong.
 */
int parse(const char *text, struct node **tree);

/* Runs a tree and returns its status, 0 to 255. */
int run(struct node *tree);

/* What $? stands for. */
extern int last_status;

/* Where the shell's own lines come from, or -1; children close it. */
extern int script_fd;

#endif
