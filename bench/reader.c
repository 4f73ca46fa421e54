/* The limit to compare with: read a stream's group with XREADGROUP, acknowledge with XACK, do nothing else.
 *
 * reader PORT STREAM GROUP CONSUMER COUNT
 * Prints {"entries": n, "seconds": s} once nothing is left; exit 1 on any error.
 */
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double now(void) {
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return at.tv_sec + at.tv_nsec / 1e9;
}

static redisReply *ask(redisContext *link, int argc, const char **argv, const size_t *lengths) {
    redisReply *reply = redisCommandArgv(link, argc, argv, lengths);
    if (reply == NULL || reply->type == REDIS_REPLY_ERROR) {
        fprintf(stderr, "reader: %s\n", reply ? reply->str : link->errstr);
        exit(1);
    }
    return reply;
}

int main(int argc, char **argv) {
    if (argc != 6) {
        fprintf(stderr, "usage: reader PORT STREAM GROUP CONSUMER COUNT\n");
        return 1;
    }
    const char *stream = argv[2], *group = argv[3], *consumer = argv[4], *count = argv[5];
    size_t most = strtoul(count, NULL, 10);
    redisContext *link = redisConnect("127.0.0.1", atoi(argv[1]));
    if (link == NULL || link->err) {
        fprintf(stderr, "reader: %s\n", link ? link->errstr : "no memory");
        return 1;
    }
    const char *read[] = {"XREADGROUP", "GROUP", group, consumer, "COUNT", count, "STREAMS", stream, ">"};
    const char **ack = malloc((most + 3) * sizeof(char *));
    size_t *lengths = malloc((most + 3) * sizeof(size_t));
    if (ack == NULL || lengths == NULL) return 1;
    ack[0] = "XACK", ack[1] = stream, ack[2] = group;
    for (int at = 0; at < 3; at++) lengths[at] = strlen(ack[at]);

    size_t done = 0;
    double started = now();
    for (;;) {
        redisReply *reply = ask(link, 9, read, NULL);
        if (reply->type != REDIS_REPLY_ARRAY) {
            freeReplyObject(reply);
            break;
        }
        redisReply *entries = reply->element[0]->element[1];
        for (size_t at = 0; at < entries->elements; at++) {
            redisReply *id = entries->element[at]->element[0];
            ack[at + 3] = id->str, lengths[at + 3] = id->len;
        }
        freeReplyObject(ask(link, (int)entries->elements + 3, ack, lengths));
        done += entries->elements;
        freeReplyObject(reply);
    }
    double took = now() - started;
    printf("{\"entries\": %zu, \"seconds\": %.6f}\n", done, took);
    return 0;
}
