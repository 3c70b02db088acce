<?php
// The newsroom's tour through the client that OpenAPI Generator made of its document: `php tour.php URL`.

use GuzzleHttp\Client;
use Newsroom\Api\AccountsApi;
use Newsroom\Api\CommentApi;
use Newsroom\Api\PostApi;
use Newsroom\ApiException;
use Newsroom\Configuration;
use Newsroom\Model\AggregateQueryPostRequest;
use Newsroom\Model\CommentCreate;
use Newsroom\Model\CommentPatch;
use Newsroom\Model\PostReplace;
use Newsroom\Model\QueryPostRequest;
use Newsroom\Model\SignInRequest;

require 'GuzzleHttp/autoload.php';
spl_autoload_register(function (string $class): void {
    if (str_starts_with($class, 'Newsroom\\')) {
        require __DIR__ . '/client/lib/' . strtr(substr($class, strlen('Newsroom\\')), '\\', '/') . '.php';
    }
});

function check(mixed $found, mixed $expected): void
{
    if ($found !== $expected) {
        fwrite(STDERR, 'expected ' . json_encode($expected) . "\nfound    " . json_encode($found) . "\n");
        exit(1);
    }
}

function refused(callable $call): array
{
    try {
        $call();
    } catch (ApiException $refusal) {
        return [$refusal->getCode(), json_decode($refusal->getResponseBody())->type];
    }
    return [];
}

function titles(array $posts): array
{
    return array_map(fn ($post) => $post->getTitle(), $posts);
}

$http = new Client();
$anyone = (new Configuration())->setHost($argv[1]);
$posts = new PostApi($http, $anyone);

$page = $posts->listPost(select: 'title', sort: '-publishedAt', limit: 2);
check(titles($page->getItems()), ['A night at the small theatre', 'The budget in one chart']);

check(titles($posts->listPost(search: 'moon', select: 'title')->getItems()), ['What the moon weighs']);

$query = new QueryPostRequest(['filter' => 'words > $least', 'params' => ['least' => 1000], 'select' => 'title,words,tags{name}']);
[$moon] = $posts->queryPost($query)->getItems();
check([$moon->getWords(), array_map(fn ($tag) => $tag->getName(), $moon->getTags())], [1850, ['moon', 'long read']]);

$groups = $posts->aggregateQueryPost(new AggregateQueryPostRequest(['group' => 'state', 'select' => 'count,sum(words)']));
check(json_encode($groups->getItems()), '[{"state":"PUBLISHED","count":4,"sumWords":3820}]');

$moon = $posts->getByPost(slug: 'what-the-moon-weighs');
check(refused(fn () => $posts->getByPost(slug: 'no-such-post')), [404, '/problems/not-found']);

$session = (new AccountsApi($http, $anyone))->signIn(new SignInRequest(['email' => 'ben@example.org', 'password' => 'staple paper scissors']));
$ben = (new Configuration())->setHost($argv[1])->setAccessToken($session->getToken());
check((new AccountsApi($http, $ben))->me()['roles'], ['WRITER']);

$comments = new CommentApi($http, $ben);
$comment = $comments->createComment(new CommentCreate(['body' => 'About a metre.', 'post' => $moon->getId()]));
check([$comment->getBody(), $comment->getVersion()], ['About a metre.', 1]);
[$change, $tag] = [new CommentPatch(['body' => 'About two.']), "\"{$comment->getVersion()}.x\""];
$changed = $comments->updateComment($comment->getId(), $change, if_match: $tag);
check([$changed->getBody(), $changed->getVersion()], ['About two.', 2]);
check(refused(fn () => $comments->updateComment($comment->getId(), $change, if_match: $tag))[0], 412);
check($comments->deleteCommentWithHttpInfo($comment->getId())[1], 204);

$own = new PostApi($http, $ben);
$post = new PostReplace(['slug' => 'herons', 'title' => 'Herons', 'body' => 'Who owns a river?', 'section' => ['slug' => 'science']]);
check($own->replaceByPostWithHttpInfo($post, slug: 'herons')[1], 201);
check($own->replaceByPost($post->setTitle('Herons in court'), slug: 'herons')->getTitle(), 'Herons in court');
