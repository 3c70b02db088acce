/** What functions import from "backstay". `backstay client functions` makes it; don't change it by hand. */
declare module "backstay" {
  /** What readers say about a post, and to each other. */
  export interface Comment {
    answers: string | null;
    author: string;
    body: string;
    createdAt: string;
    hidden: boolean;
    id: string;
    post: string;
    updatedAt: string;
    version: number;
  }

  export interface CommentCreate {
    answered?: CommentCreateByAnswers[];
    answers?: string | null;
    body: string;
    hidden?: boolean;
    post: string | {
      slug: string;
    } | {
      wireId: string;
    };
  }

  export interface CommentCreateByAnswers {
    answered?: CommentCreateByAnswers[];
    body: string;
    hidden?: boolean;
    post: string | {
      slug: string;
    } | {
      wireId: string;
    };
  }

  export interface CommentCreateByPost {
    answered?: CommentCreateByAnswers[];
    answers?: string | null;
    body: string;
    hidden?: boolean;
  }

  export interface CommentPatch {
    answered?: (CommentPatchByAnswers | CommentCreateByAnswers)[] | {
      $add?: CommentCreateByAnswers[];
      $change?: CommentPatchByAnswers[];
      $remove?: string[];
    } | {
      $set?: (CommentPatchByAnswers | CommentCreateByAnswers)[];
    };
    body?: string;
    hidden?: boolean;
  }

  export interface CommentPatchByAnswers {
    answered?: (CommentPatchByAnswers | CommentCreateByAnswers)[] | {
      $add?: CommentCreateByAnswers[];
      $change?: CommentPatchByAnswers[];
      $remove?: string[];
    } | {
      $set?: (CommentPatchByAnswers | CommentCreateByAnswers)[];
    };
    body?: string;
    hidden?: boolean;
    id: string;
  }

  export interface CommentPatchByPost {
    answered?: (CommentPatchByAnswers | CommentCreateByAnswers)[] | {
      $add?: CommentCreateByAnswers[];
      $change?: CommentPatchByAnswers[];
      $remove?: string[];
    } | {
      $set?: (CommentPatchByAnswers | CommentCreateByAnswers)[];
    };
    body?: string;
    hidden?: boolean;
    id: string;
  }

  export interface CommentReplace {
    answered?: (CommentPatchByAnswers | CommentCreateByAnswers)[];
    answers?: string | null;
    body: string;
    hidden?: boolean;
    post?: string | {
      slug: string;
    } | {
      wireId: string;
    };
  }

  /** What a news agency sends. Its program has a key whose claim says which agency it is. */
  export interface Dispatch {
    agency: string;
    body: string;
    createdAt: string;
    headline: string;
    id: string;
    received: string;
    updatedAt: string;
    version: number;
  }

  export interface DispatchCreate {
    agency: string;
    body: string;
    headline: string;
  }

  export interface DispatchReplace {
    agency?: string;
    body?: string;
    headline?: string;
  }

  export type Duty = "LEAD" | "WRITES";

  /** That a person works for a section, and as what. */
  export interface Membership {
    createdAt: string;
    duty: Duty;
    id: string;
    section: string;
    since: string | null;
    updatedAt: string;
    user: string;
    version: number;
  }

  export interface MembershipCreate {
    duty?: Duty;
    section: string | {
      slug: string;
    };
    since?: string | null;
    user: string | {
      email: string;
    };
  }

  export interface MembershipCreateBySection {
    duty?: Duty;
    since?: string | null;
    user: string | {
      email: string;
    };
  }

  export interface MembershipCreateByUser {
    duty?: Duty;
    section: string | {
      slug: string;
    };
    since?: string | null;
  }

  export interface MembershipPatch {
    duty?: Duty;
    since?: string | null;
  }

  export interface MembershipPatchBySection {
    duty?: Duty;
    id: string;
    since?: string | null;
  }

  export interface MembershipPatchByUser {
    duty?: Duty;
    id: string;
    since?: string | null;
  }

  export interface MembershipReplace {
    duty?: Duty;
    section?: string | {
      slug: string;
    };
    since?: string | null;
    user?: string | {
      email: string;
    };
  }

  /** What is written, and in the end printed. */
  export interface Post {
    author: string;
    body: string;
    createdAt: string;
    /** Who touched it last. */
    editedBy: string | null;
    /** What the author is paid. */
    fee?: {
      amount: string;
      currency: string;
    } | null;
    id: string;
    /** How it stands on the page; for the layout program alone. */
    layout: unknown;
    pinned: boolean;
    publishedAt: string | null;
    /** Flesch reading ease, from 0 (hard) to 100 (easy). */
    readability: number | null;
    /** Why it was withdrawn. */
    retraction: string | null;
    /** The day of the printed paper it is meant for. */
    runsOn: string | null;
    section: string;
    slug: string;
    /** Where it can be looked up. */
    sources: string[] | null;
    state: PostState;
    title: string;
    updatedAt: string;
    version: number;
    /** Its id with the news agency. */
    wireId: string | null;
    words: number | null;
  }

  export interface PostCreate {
    body: string;
    comments?: CommentCreateByPost[];
    /** What the author is paid. */
    fee?: {
      amount: string | number | Decimal;
      currency: string;
    } | null;
    /** How it stands on the page; for the layout program alone. */
    layout?: unknown;
    pinned?: boolean;
    /** Flesch reading ease, from 0 (hard) to 100 (easy). */
    readability?: number | null;
    related?: (string | {
      slug: string;
    } | {
      wireId: string;
    })[];
    /** Why it was withdrawn. */
    retraction?: string | null;
    /** The day of the printed paper it is meant for. */
    runsOn?: string | null;
    section: string | {
      slug: string;
    };
    slug: string;
    /** Where it can be looked up. */
    sources?: string[] | null;
    state?: PostState;
    tags?: (string | {
      name: string;
    })[];
    title: string;
    /** Its id with the news agency. */
    wireId?: string | null;
    words?: number | null;
  }

  export interface PostCreateByAuthor {
    body: string;
    comments?: CommentCreateByPost[];
    /** What the author is paid. */
    fee?: {
      amount: string | number | Decimal;
      currency: string;
    } | null;
    /** How it stands on the page; for the layout program alone. */
    layout?: unknown;
    pinned?: boolean;
    /** Flesch reading ease, from 0 (hard) to 100 (easy). */
    readability?: number | null;
    related?: (string | {
      slug: string;
    } | {
      wireId: string;
    })[];
    /** Why it was withdrawn. */
    retraction?: string | null;
    /** The day of the printed paper it is meant for. */
    runsOn?: string | null;
    section: string | {
      slug: string;
    };
    slug: string;
    /** Where it can be looked up. */
    sources?: string[] | null;
    state?: PostState;
    tags?: (string | {
      name: string;
    })[];
    title: string;
    /** Its id with the news agency. */
    wireId?: string | null;
    words?: number | null;
  }

  export interface PostCreateBySection {
    body: string;
    comments?: CommentCreateByPost[];
    /** What the author is paid. */
    fee?: {
      amount: string | number | Decimal;
      currency: string;
    } | null;
    /** How it stands on the page; for the layout program alone. */
    layout?: unknown;
    pinned?: boolean;
    /** Flesch reading ease, from 0 (hard) to 100 (easy). */
    readability?: number | null;
    related?: (string | {
      slug: string;
    } | {
      wireId: string;
    })[];
    /** Why it was withdrawn. */
    retraction?: string | null;
    /** The day of the printed paper it is meant for. */
    runsOn?: string | null;
    slug: string;
    /** Where it can be looked up. */
    sources?: string[] | null;
    state?: PostState;
    tags?: (string | {
      name: string;
    })[];
    title: string;
    /** Its id with the news agency. */
    wireId?: string | null;
    words?: number | null;
  }

  export interface PostPatch {
    body?: string;
    comments?: (CommentPatchByPost | CommentCreateByPost)[] | {
      $add?: CommentCreateByPost[];
      $change?: CommentPatchByPost[];
      $remove?: string[];
    } | {
      $set?: (CommentPatchByPost | CommentCreateByPost)[];
    };
    /** What the author is paid. */
    fee?: {
      amount: string | number | Decimal;
      currency: string;
    } | null | {
      $inc?: {
        amount: string | number | Decimal;
        currency: string;
      };
      $mul?: string | number | Decimal;
    };
    /** How it stands on the page; for the layout program alone. */
    layout?: unknown;
    pinned?: boolean;
    /** Flesch reading ease, from 0 (hard) to 100 (easy). */
    readability?: number | null | {
      $inc?: number;
      $mul?: number;
    };
    related?: (string | {
      slug: string;
    } | {
      wireId: string;
    })[] | {
      $add?: (string | {
        slug: string;
      } | {
        wireId: string;
      })[];
      $remove?: (string | {
        slug: string;
      } | {
        wireId: string;
      })[];
    } | {
      $set?: (string | {
        slug: string;
      } | {
        wireId: string;
      })[];
    };
    /** Why it was withdrawn. */
    retraction?: string | null;
    /** The day of the printed paper it is meant for. */
    runsOn?: string | null;
    section?: string | {
      slug: string;
    };
    /** Where it can be looked up. */
    sources?: string[] | null | {
      $append?: string[];
      $remove?: string[];
    };
    state?: PostState;
    tags?: (string | {
      name: string;
    })[] | {
      $add?: (string | {
        name: string;
      })[];
      $remove?: (string | {
        name: string;
      })[];
    } | {
      $set?: (string | {
        name: string;
      })[];
    };
    title?: string;
    /** Its id with the news agency. */
    wireId?: string | null;
    words?: number | null | {
      $inc?: number;
      $mul?: number;
    };
  }

  export interface PostPatchByAuthor {
    body?: string;
    comments?: (CommentPatchByPost | CommentCreateByPost)[] | {
      $add?: CommentCreateByPost[];
      $change?: CommentPatchByPost[];
      $remove?: string[];
    } | {
      $set?: (CommentPatchByPost | CommentCreateByPost)[];
    };
    /** What the author is paid. */
    fee?: {
      amount: string | number | Decimal;
      currency: string;
    } | null | {
      $inc?: {
        amount: string | number | Decimal;
        currency: string;
      };
      $mul?: string | number | Decimal;
    };
    id: string;
    /** How it stands on the page; for the layout program alone. */
    layout?: unknown;
    pinned?: boolean;
    /** Flesch reading ease, from 0 (hard) to 100 (easy). */
    readability?: number | null | {
      $inc?: number;
      $mul?: number;
    };
    related?: (string | {
      slug: string;
    } | {
      wireId: string;
    })[] | {
      $add?: (string | {
        slug: string;
      } | {
        wireId: string;
      })[];
      $remove?: (string | {
        slug: string;
      } | {
        wireId: string;
      })[];
    } | {
      $set?: (string | {
        slug: string;
      } | {
        wireId: string;
      })[];
    };
    /** Why it was withdrawn. */
    retraction?: string | null;
    /** The day of the printed paper it is meant for. */
    runsOn?: string | null;
    section?: string | {
      slug: string;
    };
    /** Where it can be looked up. */
    sources?: string[] | null | {
      $append?: string[];
      $remove?: string[];
    };
    state?: PostState;
    tags?: (string | {
      name: string;
    })[] | {
      $add?: (string | {
        name: string;
      })[];
      $remove?: (string | {
        name: string;
      })[];
    } | {
      $set?: (string | {
        name: string;
      })[];
    };
    title?: string;
    /** Its id with the news agency. */
    wireId?: string | null;
    words?: number | null | {
      $inc?: number;
      $mul?: number;
    };
  }

  export interface PostPatchBySection {
    body?: string;
    comments?: (CommentPatchByPost | CommentCreateByPost)[] | {
      $add?: CommentCreateByPost[];
      $change?: CommentPatchByPost[];
      $remove?: string[];
    } | {
      $set?: (CommentPatchByPost | CommentCreateByPost)[];
    };
    /** What the author is paid. */
    fee?: {
      amount: string | number | Decimal;
      currency: string;
    } | null | {
      $inc?: {
        amount: string | number | Decimal;
        currency: string;
      };
      $mul?: string | number | Decimal;
    };
    id: string;
    /** How it stands on the page; for the layout program alone. */
    layout?: unknown;
    pinned?: boolean;
    /** Flesch reading ease, from 0 (hard) to 100 (easy). */
    readability?: number | null | {
      $inc?: number;
      $mul?: number;
    };
    related?: (string | {
      slug: string;
    } | {
      wireId: string;
    })[] | {
      $add?: (string | {
        slug: string;
      } | {
        wireId: string;
      })[];
      $remove?: (string | {
        slug: string;
      } | {
        wireId: string;
      })[];
    } | {
      $set?: (string | {
        slug: string;
      } | {
        wireId: string;
      })[];
    };
    /** Why it was withdrawn. */
    retraction?: string | null;
    /** The day of the printed paper it is meant for. */
    runsOn?: string | null;
    /** Where it can be looked up. */
    sources?: string[] | null | {
      $append?: string[];
      $remove?: string[];
    };
    state?: PostState;
    tags?: (string | {
      name: string;
    })[] | {
      $add?: (string | {
        name: string;
      })[];
      $remove?: (string | {
        name: string;
      })[];
    } | {
      $set?: (string | {
        name: string;
      })[];
    };
    title?: string;
    /** Its id with the news agency. */
    wireId?: string | null;
    words?: number | null | {
      $inc?: number;
      $mul?: number;
    };
  }

  export interface PostReplace {
    body: string;
    comments?: (CommentPatchByPost | CommentCreateByPost)[];
    /** What the author is paid. */
    fee?: {
      amount: string | number | Decimal;
      currency: string;
    } | null;
    /** How it stands on the page; for the layout program alone. */
    layout?: unknown;
    pinned?: boolean;
    /** Flesch reading ease, from 0 (hard) to 100 (easy). */
    readability?: number | null;
    related?: (string | {
      slug: string;
    } | {
      wireId: string;
    })[];
    /** Why it was withdrawn. */
    retraction?: string | null;
    /** The day of the printed paper it is meant for. */
    runsOn?: string | null;
    section: string | {
      slug: string;
    };
    slug?: string;
    /** Where it can be looked up. */
    sources?: string[] | null;
    state?: PostState;
    tags?: (string | {
      name: string;
    })[];
    title: string;
    /** Its id with the news agency. */
    wireId?: string | null;
    words?: number | null;
  }

  export type PostState = "DRAFT" | "REVIEW" | "PUBLISHED" | "RETRACTED";

  /** What an operator can make of an account; everyone else is a reader. */
  export type Role = "EDITOR" | "WRITER";

  /** A part of the paper, such as Politics; sections lie within sections. */
  export interface Section {
    createdAt: string;
    id: string;
    name: string;
    parent: string | null;
    /** What a word is paid. */
    perWord?: string | null;
    slug: string;
    updatedAt: string;
    version: number;
  }

  export interface SectionCreate {
    members?: MembershipCreateBySection[];
    name: string;
    parent?: string | null | {
      slug: string;
    };
    parts?: SectionCreateByParent[];
    /** What a word is paid. */
    perWord?: string | number | Decimal | null;
    posts?: PostCreateBySection[];
    slug: string;
  }

  export interface SectionCreateByParent {
    members?: MembershipCreateBySection[];
    name: string;
    parts?: SectionCreateByParent[];
    /** What a word is paid. */
    perWord?: string | number | Decimal | null;
    posts?: PostCreateBySection[];
    slug: string;
  }

  export interface SectionPatch {
    members?: (MembershipPatchBySection | MembershipCreateBySection)[] | {
      $add?: MembershipCreateBySection[];
      $change?: MembershipPatchBySection[];
      $remove?: string[];
    } | {
      $set?: (MembershipPatchBySection | MembershipCreateBySection)[];
    };
    name?: string;
    parent?: string | null | {
      slug: string;
    };
    parts?: (SectionPatchByParent | SectionCreateByParent)[] | {
      $add?: SectionCreateByParent[];
      $change?: SectionPatchByParent[];
      $remove?: string[];
    } | {
      $set?: (SectionPatchByParent | SectionCreateByParent)[];
    };
    /** What a word is paid. */
    perWord?: string | number | Decimal | null | {
      $inc?: string | number | Decimal;
      $mul?: string | number | Decimal;
    };
    posts?: (PostPatchBySection | PostCreateBySection)[] | {
      $add?: PostCreateBySection[];
      $change?: PostPatchBySection[];
      $remove?: string[];
    } | {
      $set?: (PostPatchBySection | PostCreateBySection)[];
    };
  }

  export interface SectionPatchByParent {
    id: string;
    members?: (MembershipPatchBySection | MembershipCreateBySection)[] | {
      $add?: MembershipCreateBySection[];
      $change?: MembershipPatchBySection[];
      $remove?: string[];
    } | {
      $set?: (MembershipPatchBySection | MembershipCreateBySection)[];
    };
    name?: string;
    parts?: (SectionPatchByParent | SectionCreateByParent)[] | {
      $add?: SectionCreateByParent[];
      $change?: SectionPatchByParent[];
      $remove?: string[];
    } | {
      $set?: (SectionPatchByParent | SectionCreateByParent)[];
    };
    /** What a word is paid. */
    perWord?: string | number | Decimal | null | {
      $inc?: string | number | Decimal;
      $mul?: string | number | Decimal;
    };
    posts?: (PostPatchBySection | PostCreateBySection)[] | {
      $add?: PostCreateBySection[];
      $change?: PostPatchBySection[];
      $remove?: string[];
    } | {
      $set?: (PostPatchBySection | PostCreateBySection)[];
    };
  }

  export interface SectionReplace {
    members?: (MembershipPatchBySection | MembershipCreateBySection)[];
    name: string;
    parent?: string | null | {
      slug: string;
    };
    parts?: (SectionPatchByParent | SectionCreateByParent)[];
    /** What a word is paid. */
    perWord?: string | number | Decimal | null;
    posts?: (PostPatchBySection | PostCreateBySection)[];
    slug?: string;
  }

  export interface Tag {
    createdAt: string;
    id: string;
    name: string;
    updatedAt: string;
    version: number;
  }

  export interface TagCreate {
    name: string;
  }

  export interface TagReplace {
    name?: string;
  }

  /** A person who can sign in. */
  export interface User {
    born?: string | null;
    createdAt: string;
    /** Where they sign in and are reached; nobody's business but theirs and the editors'. */
    email?: string | null;
    id: string;
    name: string;
    updatedAt: string;
    version: number;
    website: string | null;
  }

  export interface UserPatch {
    born?: string | null;
    /** Where they sign in and are reached; nobody's business but theirs and the editors'. */
    email?: string;
    following?: (string | {
      slug: string;
    })[] | {
      $add?: (string | {
        slug: string;
      })[];
      $remove?: (string | {
        slug: string;
      })[];
    } | {
      $set?: (string | {
        slug: string;
      })[];
    };
    memberships?: (MembershipPatchByUser | MembershipCreateByUser)[] | {
      $add?: MembershipCreateByUser[];
      $change?: MembershipPatchByUser[];
      $remove?: string[];
    } | {
      $set?: (MembershipPatchByUser | MembershipCreateByUser)[];
    };
    name?: string;
    posts?: (PostPatchByAuthor | PostCreateByAuthor)[] | {
      $add?: PostCreateByAuthor[];
      $change?: PostPatchByAuthor[];
      $remove?: string[];
    } | {
      $set?: (PostPatchByAuthor | PostCreateByAuthor)[];
    };
    website?: string | null;
  }

  export interface UserReplace {
    born?: string | null;
    /** Where they sign in and are reached; nobody's business but theirs and the editors'. */
    email?: string;
    following?: (string | {
      slug: string;
    })[];
    memberships?: (MembershipPatchByUser | MembershipCreateByUser)[];
    name: string;
    posts?: (PostPatchByAuthor | PostCreateByAuthor)[];
    website?: string | null;
  }

  /** The types of the model. */
  export interface Types {
    Comment: {
      record: Comment;
      relations: { answered: ToMany<"Comment">; answers: ToOneOrNone<"Comment">; author: ToOne<"User">; post: ToOne<"Post">; };
      create: CommentCreate;
      patch: CommentPatch;
      replace: CommentReplace;
      key: never;
      onConflict: never;
      where: "id" | "createdAt" | "updatedAt" | "version" | "post" | "author" | "body" | "hidden" | "answers";
      floats: never;
      search: never;
      highlight: never;
      hidden: true;
    };
    Dispatch: {
      record: Dispatch;
      relations: {};
      create: DispatchCreate;
      patch: never;
      replace: DispatchReplace;
      key: never;
      onConflict: never;
      where: "id" | "createdAt" | "updatedAt" | "version" | "agency" | "headline" | "body" | "received";
      floats: never;
      search: never;
      highlight: never;
      hidden: true;
    };
    Membership: {
      record: Membership;
      relations: { section: ToOne<"Section">; user: ToOne<"User">; };
      create: MembershipCreate;
      patch: MembershipPatch;
      replace: MembershipReplace;
      key: { section: NonNullable<Membership["section"]>; user: NonNullable<Membership["user"]> };
      onConflict: "section,user";
      where: "id" | "createdAt" | "updatedAt" | "version" | "section" | "user" | "duty" | "since";
      floats: never;
      search: never;
      highlight: never;
      hidden: false;
    };
    Post: {
      record: Post;
      relations: { author: ToOne<"User">; comments: ToMany<"Comment">; editedBy: ToOneOrNone<"User">; related: ToMany<"Post">; section: ToOne<"Section">; tags: ToMany<"Tag">; };
      create: PostCreate;
      patch: PostPatch;
      replace: PostReplace;
      key: { slug: NonNullable<Post["slug"]> } | { wireId: NonNullable<Post["wireId"]> };
      onConflict: "slug" | "wireId";
      where: "id" | "createdAt" | "updatedAt" | "version" | "slug" | "title" | "body" | "state" | "section" | "author" | "editedBy" | "publishedAt" | "runsOn" | "words" | "readability" | "pinned" | "wireId" | "retraction";
      floats: "readability";
      search: string;
      highlight: "body" | "title";
      hidden: true;
    };
    Section: {
      record: Section;
      relations: { followers: ToMany<"User">; members: ToMany<"Membership">; parent: ToOneOrNone<"Section">; parts: ToMany<"Section">; posts: ToMany<"Post">; };
      create: SectionCreate;
      patch: SectionPatch;
      replace: SectionReplace;
      key: { slug: NonNullable<Section["slug"]> };
      onConflict: "slug";
      where: "id" | "createdAt" | "updatedAt" | "version" | "slug" | "name" | "perWord" | "parent";
      floats: never;
      search: never;
      highlight: never;
      hidden: false;
    };
    Tag: {
      record: Tag;
      relations: { posts: ToMany<"Post">; };
      create: TagCreate;
      patch: never;
      replace: TagReplace;
      key: { name: NonNullable<Tag["name"]> };
      onConflict: "name";
      where: "id" | "createdAt" | "updatedAt" | "version" | "name";
      floats: never;
      search: never;
      highlight: never;
      hidden: false;
    };
    User: {
      record: User;
      relations: { following: ToMany<"Section">; memberships: ToMany<"Membership">; posts: ToMany<"Post">; };
      create: never;
      patch: UserPatch;
      replace: UserReplace;
      key: { email: NonNullable<User["email"]> };
      onConflict: never;
      where: "id" | "createdAt" | "updatedAt" | "version" | "email" | "name" | "website" | "born";
      floats: never;
      search: never;
      highlight: never;
      hidden: false;
    };
  }

  /** The collections of the application. */
  export interface Db {
    /** Runs a block whose requests are one commit; again, if what it has read has changed. */
    transaction<T>(block: (tx: Tx) => Promise<T>): Promise<T>;
    readonly comments: Lists<"Comment", "now"> & Pages<"Comment"> & Gets<"Comment", "now"> & Finds<"Comment"> & Aggregates<"Comment", "now"> & Creates<"Comment", "now"> & Updates<"Comment", "now"> & Replaces<"Comment", "now"> & Deletes<"Comment", "now"> & UpdatesAll<"Comment", "now"> & DeletesAll<"Comment", "now">;
    readonly dispatches: Lists<"Dispatch", "now"> & Pages<"Dispatch"> & Gets<"Dispatch", "now"> & Finds<"Dispatch"> & Aggregates<"Dispatch", "now"> & Creates<"Dispatch", "now"> & Deletes<"Dispatch", "now"> & DeletesAll<"Dispatch", "now">;
    readonly members: Lists<"Membership", "now"> & Pages<"Membership"> & Gets<"Membership", "now"> & Finds<"Membership"> & Aggregates<"Membership", "now"> & Creates<"Membership", "now"> & Updates<"Membership", "now"> & Replaces<"Membership", "now"> & Deletes<"Membership", "now"> & UpdatesAll<"Membership", "now"> & DeletesAll<"Membership", "now"> & Upserts<"Membership", "now">;
    readonly posts: Lists<"Post", "now"> & Pages<"Post"> & Gets<"Post", "now"> & Finds<"Post"> & Aggregates<"Post", "now"> & Creates<"Post", "now"> & Updates<"Post", "now"> & Replaces<"Post", "now"> & Deletes<"Post", "now"> & UpdatesAll<"Post", "now"> & DeletesAll<"Post", "now"> & Upserts<"Post", "now">;
    readonly sections: Lists<"Section", "now"> & Pages<"Section"> & Gets<"Section", "now"> & Finds<"Section"> & Aggregates<"Section", "now"> & Creates<"Section", "now"> & Updates<"Section", "now"> & Replaces<"Section", "now"> & Deletes<"Section", "now"> & UpdatesAll<"Section", "now"> & DeletesAll<"Section", "now"> & Upserts<"Section", "now">;
    readonly tags: Lists<"Tag", "now"> & Pages<"Tag"> & Gets<"Tag", "now"> & Finds<"Tag"> & Aggregates<"Tag", "now"> & Creates<"Tag", "now"> & Deletes<"Tag", "now"> & DeletesAll<"Tag", "now"> & Upserts<"Tag", "now">;
    readonly users: Lists<"User", "now"> & Pages<"User"> & Gets<"User", "now"> & Finds<"User"> & Aggregates<"User", "now"> & Updates<"User", "now"> & Replaces<"User", "now"> & UpdatesAll<"User", "now">;
  }

  /** What hooks before changes read of them. */
  export interface Readings {
    readonly comments: Lists<"Comment", "now"> & Pages<"Comment"> & Gets<"Comment", "now"> & Finds<"Comment"> & Aggregates<"Comment", "now">;
    readonly dispatches: Lists<"Dispatch", "now"> & Pages<"Dispatch"> & Gets<"Dispatch", "now"> & Finds<"Dispatch"> & Aggregates<"Dispatch", "now">;
    readonly members: Lists<"Membership", "now"> & Pages<"Membership"> & Gets<"Membership", "now"> & Finds<"Membership"> & Aggregates<"Membership", "now">;
    readonly posts: Lists<"Post", "now"> & Pages<"Post"> & Gets<"Post", "now"> & Finds<"Post"> & Aggregates<"Post", "now">;
    readonly sections: Lists<"Section", "now"> & Pages<"Section"> & Gets<"Section", "now"> & Finds<"Section"> & Aggregates<"Section", "now">;
    readonly tags: Lists<"Tag", "now"> & Pages<"Tag"> & Gets<"Tag", "now"> & Finds<"Tag"> & Aggregates<"Tag", "now">;
    readonly users: Lists<"User", "now"> & Pages<"User"> & Gets<"User", "now"> & Finds<"User"> & Aggregates<"User", "now">;
  }

  /** The same within a block: writes are carried out at its commit. */
  export interface Tx {
    readonly comments: Lists<"Comment", "now"> & Pages<"Comment"> & Gets<"Comment", "now"> & Finds<"Comment"> & Aggregates<"Comment", "now"> & Creates<"Comment", "known"> & Updates<"Comment", "queued"> & Replaces<"Comment", "queued"> & Deletes<"Comment", "queued"> & UpdatesAll<"Comment", "queued"> & DeletesAll<"Comment", "queued"> & { /** Reads that aren't checked again at the commit. */ readonly peek: Lists<"Comment", "now"> & Pages<"Comment"> & Gets<"Comment", "now"> & Finds<"Comment"> & Aggregates<"Comment", "now"> };
    readonly dispatches: Lists<"Dispatch", "now"> & Pages<"Dispatch"> & Gets<"Dispatch", "now"> & Finds<"Dispatch"> & Aggregates<"Dispatch", "now"> & Creates<"Dispatch", "known"> & Deletes<"Dispatch", "queued"> & DeletesAll<"Dispatch", "queued"> & { /** Reads that aren't checked again at the commit. */ readonly peek: Lists<"Dispatch", "now"> & Pages<"Dispatch"> & Gets<"Dispatch", "now"> & Finds<"Dispatch"> & Aggregates<"Dispatch", "now"> };
    readonly members: Lists<"Membership", "now"> & Pages<"Membership"> & Gets<"Membership", "now"> & Finds<"Membership"> & Aggregates<"Membership", "now"> & Creates<"Membership", "known"> & Updates<"Membership", "queued"> & Replaces<"Membership", "queued"> & Deletes<"Membership", "queued"> & UpdatesAll<"Membership", "queued"> & DeletesAll<"Membership", "queued"> & Upserts<"Membership", "queued"> & { /** Reads that aren't checked again at the commit. */ readonly peek: Lists<"Membership", "now"> & Pages<"Membership"> & Gets<"Membership", "now"> & Finds<"Membership"> & Aggregates<"Membership", "now"> };
    readonly posts: Lists<"Post", "now"> & Pages<"Post"> & Gets<"Post", "now"> & Finds<"Post"> & Aggregates<"Post", "now"> & Creates<"Post", "known"> & Updates<"Post", "queued"> & Replaces<"Post", "queued"> & Deletes<"Post", "queued"> & UpdatesAll<"Post", "queued"> & DeletesAll<"Post", "queued"> & Upserts<"Post", "queued"> & { /** Reads that aren't checked again at the commit. */ readonly peek: Lists<"Post", "now"> & Pages<"Post"> & Gets<"Post", "now"> & Finds<"Post"> & Aggregates<"Post", "now"> };
    readonly sections: Lists<"Section", "now"> & Pages<"Section"> & Gets<"Section", "now"> & Finds<"Section"> & Aggregates<"Section", "now"> & Creates<"Section", "known"> & Updates<"Section", "queued"> & Replaces<"Section", "queued"> & Deletes<"Section", "queued"> & UpdatesAll<"Section", "queued"> & DeletesAll<"Section", "queued"> & Upserts<"Section", "queued"> & { /** Reads that aren't checked again at the commit. */ readonly peek: Lists<"Section", "now"> & Pages<"Section"> & Gets<"Section", "now"> & Finds<"Section"> & Aggregates<"Section", "now"> };
    readonly tags: Lists<"Tag", "now"> & Pages<"Tag"> & Gets<"Tag", "now"> & Finds<"Tag"> & Aggregates<"Tag", "now"> & Creates<"Tag", "known"> & Deletes<"Tag", "queued"> & DeletesAll<"Tag", "queued"> & Upserts<"Tag", "queued"> & { /** Reads that aren't checked again at the commit. */ readonly peek: Lists<"Tag", "now"> & Pages<"Tag"> & Gets<"Tag", "now"> & Finds<"Tag"> & Aggregates<"Tag", "now"> };
    readonly users: Lists<"User", "now"> & Pages<"User"> & Gets<"User", "now"> & Finds<"User"> & Aggregates<"User", "now"> & Updates<"User", "queued"> & Replaces<"User", "queued"> & UpdatesAll<"User", "queued"> & { /** Reads that aren't checked again at the commit. */ readonly peek: Lists<"User", "now"> & Pages<"User"> & Gets<"User", "now"> & Finds<"User"> & Aggregates<"User", "now"> };
  }

  /** What the jobs of the model take, by their names. */
  export interface JobInputs {
  }

  /** The values that the templates of mail take, by their names. */
  export interface MailTemplates {
    published: { reader: unknown; title: unknown; [name: string]: unknown };
    welcome: { [name: string]: unknown };
  }

  /** A relation to one record. */
  export interface ToOne<N extends TypeName> {
    to: N;
    many: false;
    nullable: false;
  }
  /** A relation to one record or none. */
  export interface ToOneOrNone<N extends TypeName> {
    to: N;
    many: false;
    nullable: true;
  }
  /** A relation to many records. */
  export interface ToMany<N extends TypeName> {
    to: N;
    many: true;
  }

  type TypeName = keyof Types;
  type FieldsOf<N extends TypeName> = Types[N]["record"];
  type RelationsOf<N extends TypeName> = Types[N]["relations"];
  type IdOf<N extends TypeName> = FieldsOf<N>["id"];
  type KeyOf<N extends TypeName> = Types[N]["key"];
  type AsString<T> = Extract<T, string>;
  type Flattened<T> = { [F in keyof T]: T[F] } & unknown;

  /** A record by its id or the values of a unique key. */
  export type RecordName<N extends TypeName> = IdOf<N> | KeyOf<N>;

  /** A field to sort by, descending with `-`: also what a relation leads to (`author.name`), and how many there are
   * (`comments:count`). */
  export type SortBy<N extends TypeName> = Descending<
    AsString<keyof FieldsOf<N>> | `${AsString<keyof RelationsOf<N>>}.${string}` | `${AsString<keyof RelationsOf<N>>}:count`
  >;
  type Descending<F extends string> = F | `-${F}`;

  /** Fields that must equal a value. */
  export type EqualTo<N extends TypeName> = {
    [F in Types[N]["where"]]?: F extends keyof FieldsOf<N> ? NonNullable<FieldsOf<N>[F]> : string | number | boolean;
  };

  /** The arguments of a nested list, beside its fields. */
  export interface ListArguments<N extends TypeName> {
    $filter?: string;
    /** Words to find, the best matches first. */
    $search?: Types[N]["search"];
    $sort?: SortBy<N> | readonly SortBy<N>[];
    $limit?: number;
    /** The `$cursor` of a record: only those that come after it in the same order. */
    $after?: string;
    /** Adds `$cursor` to each record, its place in the order of the list. */
    $cursor?: true;
    /** Leaves the field out where the caller can't read it in any record, which would be an error. */
    $optional?: true;
    /** How many there are. */
    $count?: true;
    /** The sum of a field. */
    $sum?: string;
    /** The least value of a field. */
    $min?: string;
    /** The greatest value of a field. */
    $max?: string;
  }
  type ArgumentName = keyof ListArguments<TypeName>;
  /** What needs another name in the answer. */
  type PlainArgument = Exclude<ArgumentName, "$count" | "$sum" | "$min" | "$max">;

  /** What is answered of a record: `{ title: true, author: { name: true } }`; `"*": true` stands for every stored field, and
   * `{ headline: { $of: { title: true } } }` answers a field under another name. */
  export type Selection<N extends TypeName> = {
    [F in keyof FieldsOf<N> | keyof RelationsOf<N> | "*"]?: SelectedPart;
  } & { [alias: string]: SelectedPart | undefined };
  type SelectedPart = true | "optional" | object;

  /** A selection without wrong names: where one is, the type is `never`. */
  type CheckedSelection<N extends TypeName, S> = {
    [F in keyof S]: S[F] extends { $of: infer R }
      ? { $of: { [P in keyof R]: CheckedPart<N, P, R[P], ArgumentName> } }
      : CheckedPart<N, F, S[F], PlainArgument>;
  };
  type CheckedPart<N extends TypeName, F, V, A extends ArgumentName> = F extends "*"
    ? true
    : F extends keyof RelationsOf<N>
    ? CheckedRelation<RelationsOf<N>[F], V, A>
    : F extends keyof FieldsOf<N>
    ? true | "optional"
    : never;
  type CheckedRelation<R, V, A extends ArgumentName> = V extends object
    ? R extends { to: infer T }
      ? T extends TypeName
        ? Pick<ListArguments<T>, A & keyof V> & CheckedSelection<T, Omit<V, A>>
        : never
      : never
    : true | "optional";

  /** A record with what was selected of it. */
  export type Answered<N extends TypeName, S> = Flattened<
    ("*" extends keyof S ? FieldsOf<N> : unknown) & {
      [F in keyof S as F extends "*" ? never : IsOptional<N, F, S[F]> extends true ? never : F]: ValueOf<N, F, S[F]>;
    } & {
      [F in keyof S as F extends "*" ? never : IsOptional<N, F, S[F]> extends true ? F : never]?: ValueOf<N, F, S[F]>;
    } & CutOff<N, S>
  >;
  type IsOptional<N extends TypeName, F, V> = V extends { $of: infer R }
    ? { [P in keyof R]: IsOptional<N, P, R[P]> }[keyof R]
    : V extends string | { $optional: unknown }
    ? true
    : F extends keyof RelationsOf<N>
    ? F extends keyof FieldsOf<N>
      ? V extends object
        ? false
        : IsAbsent<FieldsOf<N>, F>
      : false
    : F extends keyof FieldsOf<N>
    ? IsAbsent<FieldsOf<N>, F>
    : false;
  type IsAbsent<T, F extends keyof T> = {} extends Pick<T, F> ? true : false;
  /** The names of nested lists that were cut off. */
  type CutOff<N extends TypeName, S> = true extends { [F in keyof S]: IsList<N, F, S[F]> }[keyof S]
    ? { $more?: string[] }
    : unknown;
  type IsList<N extends TypeName, F, V> = V extends { $of: infer R }
    ? { [P in keyof R]: IsList<N, P, R[P]> }[keyof R]
    : V extends { $count: unknown }
    ? false
    : F extends keyof RelationsOf<N>
    ? RelationsOf<N>[F] extends { many: true }
      ? true
      : false
    : false;
  type ValueOf<N extends TypeName, F, V> = V extends { $of: infer R }
    ? { [P in keyof R]: NamedValue<N, P, R[P]> }[keyof R]
    : NamedValue<N, F, V>;
  type NamedValue<N extends TypeName, F, V> = F extends keyof RelationsOf<N>
    ? V extends object
      ? NestedValue<N, F, RelationsOf<N>[F], V>
      : PlainValue<N, F>
    : F extends keyof FieldsOf<N>
    ? Exclude<FieldsOf<N>[F], undefined>
    : never;
  /** A relation of which nothing is selected: the id, or objects with the ids. */
  type PlainValue<N extends TypeName, F> = F extends keyof FieldsOf<N>
    ? Exclude<FieldsOf<N>[F], undefined>
    : F extends keyof RelationsOf<N>
    ? RelationsOf<N>[F] extends { to: infer T }
      ? T extends TypeName
        ? RelationsOf<N>[F] extends { many: true } ? { id: IdOf<T> }[] : IdOf<T> | null
        : never
      : never
    : never;
  type NestedValue<N extends TypeName, F, R, V> = V extends { $count: unknown }
    ? number
    : V extends { $sum: unknown } | { $min: unknown } | { $max: unknown }
    ? unknown
    : keyof Omit<V, ArgumentName> extends never
    ? V extends { $cursor: true } ? Placed<V>[] : PlainValue<N, F>
    : R extends { to: infer T }
    ? T extends TypeName
      ? R extends { many: true }
        ? (Answered<T, Omit<V, ArgumentName>> & Placed<V>)[]
        : Answered<T, Omit<V, ArgumentName>> | (R extends { nullable: false } ? NullIfHidden<T> : null)
      : never
    : never;
  /** The place of a record in a nested list. */
  type Placed<V> = V extends { $cursor: true } ? { $cursor: string } : unknown;
  /** What stands for a record that the caller may not read. */
  type NullIfHidden<N extends TypeName> = Types[N]["hidden"] extends true ? null : never;

  type AllStored = { "*": true };

  /** The values of the parameters of filters, `$name` without the `$`. */
  export type FilterParams = { [name: string]: unknown };

  /** Which records are listed, and what is answered of them. */
  export interface ListQuery<N extends TypeName, S, H = []> extends MatchQuery<N> {
    select?: S & CheckedSelection<N, S>;
    sort?: SortBy<N> | readonly SortBy<N>[];
    /** The `next` of the page before. */
    after?: string;
    /** The `prev` of the page after. */
    before?: string;
    skip?: number;
    /** `true` counts up to 10,000, `"exact"` to the end. */
    count?: boolean | "exact";
    /** The list as it was at this moment, if the type has a history. */
    asOf?: string;
    /** Words to find, the best matches first. */
    search?: Types[N]["search"];
    /** Fields in which the words that are found are marked. */
    highlight?: H;
  }

  /** Which records are exported, and what is answered of them. */
  export type ExportQuery<N extends TypeName, S> = Pick<
    ListQuery<N, S>,
    "filter" | "params" | "where" | "select" | "sort" | "search" | "asOf"
  >;

  /** A record of a list; `$highlight` has the parts of a fragment of each field, of which every second one is found. */
  export type Listed<N extends TypeName, S, H extends readonly unknown[]> = H extends readonly []
    ? Answered<N, S>
    : Flattened<Answered<N, S> & { $highlight: { [F in AsString<H[number]>]: string[] | null } }>;

  /** A field, what a path leads to (`author.name`), or an expression about a record (`price * quantity`). */
  export type Term<N extends TypeName> =
    | AsString<keyof FieldsOf<N>>
    | `${AsString<keyof RelationsOf<N>>}.${string}`
    | (string & {});

  /** What the records of a group have in common: a field, a path, or expressions with their names. */
  export type GroupBy<N extends TypeName> = Term<N> | { readonly [name: string]: Term<N> };

  /** A value of each group: `true` is the number of its records, `{ count: "words > 1000" }` of those for which it is true. */
  export type Fold<N extends TypeName> =
    | true
    | { count: string }
    | { countDistinct: Term<N> }
    | { sum: Term<N> }
    | { avg: Term<N> }
    | { min: Term<N> }
    | { max: Term<N> };

  /** Which groups are made of which records, and what is answered of each. */
  export interface AggregateQuery<N extends TypeName, G extends readonly GroupBy<N>[], S> extends MatchQuery<N> {
    /** Without it, all records are one group. */
    group?: G & CheckedGroup<N, G>;
    /** The values by their names; without it, the number of records as `count`. */
    select?: S & CheckedFolds<N, S>;
    /** A condition on the groups, by the names of their values: `count > 10`. */
    having?: string;
    sort?: SortGroupsBy<N, G, S> | readonly SortGroupsBy<N, G, S>[];
    after?: string;
    before?: string;
    skip?: number;
    asOf?: string;
    /** Groups of the records that have these words. */
    search?: Types[N]["search"];
  }

  /** A group. */
  export type GroupOf<N extends TypeName, G extends readonly unknown[], S> = Flattened<
    { [P in Extract<G[number], string> as JoinedPath<P>]: KeyValue<N, P> } & {
      [K in KeyOfAny<Exclude<G[number], string>>]: KeyValue<N, ValueOfAny<Exclude<G[number], string>, K>>;
    } & { [K in keyof S]: FoldValue<N, S[K]> }
  >;
  /** One of their values; what is sorted by says nothing about the types of the question. */
  type SortGroupsBy<N extends TypeName, G extends readonly unknown[], S> = Fixed<Descending<AsString<keyof GroupOf<N, G, S>>>>;
  type Fixed<T> = [T][T extends unknown ? 0 : never];
  type KeyOfAny<O> = O extends unknown ? keyof O : never;
  type ValueOfAny<O, K> = O extends unknown ? (K extends keyof O ? Exclude<O[K], undefined> : never) : never;
  type JoinedPath<P extends string> = P extends `${infer First}.${infer Rest}` ? `${First}${Capitalize<JoinedPath<Rest>>}` : P;

  /** The field that a path leads to, and its type; `never` if there is none. */
  type EndOf<N extends TypeName, P> = P extends keyof FieldsOf<N>
    ? { of: N; field: P; value: FieldsOf<N>[P] }
    : P extends `${infer First}.${infer Rest}`
    ? First extends keyof RelationsOf<N>
      ? RelationsOf<N>[First] extends { to: infer T; many: false }
        ? T extends TypeName
          ? EndOf<T, Rest>
          : never
        : never
      : First extends keyof FieldsOf<N>
      ? MemberOf<FieldsOf<N>[First], Rest>
      : never
    : never;
  type MemberOf<V, P> = P extends keyof NonNullable<V>
    ? { of: never; field: never; value: NonNullable<V>[P] }
    : P extends `${infer First}.${infer Rest}`
    ? First extends keyof NonNullable<V>
      ? MemberOf<NonNullable<V>[First], Rest>
      : never
    : never;
  type IsExpression<P> = string extends P
    ? true
    : P extends `${string}${" " | "(" | "'" | '"' | "[" | "+" | "-" | "*" | "/" | "%" | "!" | "=" | "<" | ">" | "?" | "$"}${string}`
    ? true
    : false;
  type CheckedTerm<N extends TypeName, P> = [EndOf<N, P>] extends [never] ? (IsExpression<P> extends true ? P : never) : P;
  type CheckedGroup<N extends TypeName, G> = { [I in keyof G]: CheckedKey<N, G[I]> };
  type CheckedKey<N extends TypeName, K> = K extends string
    ? [EndOf<N, K>] extends [never]
      ? never
      : K
    : { [P in keyof K]: CheckedTerm<N, K[P]> };
  type CheckedFolds<N extends TypeName, S> = {
    [K in keyof S]: S[K] extends true | { count: unknown } ? S[K] : { [F in keyof S[K]]: CheckedTerm<N, S[K][F]> };
  };
  /** The value of a key, which is `null` in the group of the records that have none. */
  type KeyValue<N extends TypeName, P> = P extends keyof FieldsOf<N>
    ? Exclude<FieldsOf<N>[P], undefined> | (IsAbsent<FieldsOf<N>, P> extends true ? null : never)
    : TermValue<N, P> | null;
  /** The value of a term; unknown of an expression. */
  type TermValue<N extends TypeName, P> = [EndOf<N, P>] extends [never]
    ? unknown
    : EndOf<N, P> extends { value: infer V }
    ? NonNullable<V>
    : never;
  type FoldValue<N extends TypeName, F> = F extends true | { count: unknown } | { countDistinct: unknown }
    ? number
    : F extends { avg: infer P }
    ? AverageValue<N, P> | null
    : F extends { sum: infer P } | { min: infer P } | { max: infer P }
    ? TermValue<N, P> | null
    : never;
  /** An exact average is a string. */
  type AverageValue<N extends TypeName, P> = TermValue<N, P> extends number
    ? [EndOf<N, P>] extends [{ of: infer T; field: infer F }]
      ? [T] extends [never]
        ? string | number
        : T extends TypeName
        ? F extends Types[T]["floats"]
          ? number
          : string
        : never
      : never
    : TermValue<N, P>;

  /** Which records are meant. */
  export interface MatchQuery<N extends TypeName> {
    /** An expression, such as `title.contains($q)`. */
    filter?: string;
    params?: FilterParams;
    where?: EqualTo<N>;
    limit?: number;
  }

  /** Which records are changed or deleted. */
  export interface ChangeQuery<N extends TypeName> extends MatchQuery<N> {
    /** With `limit`: only the first records in this order. */
    sort?: SortBy<N> | readonly SortBy<N>[];
    /** Undoes everything. */
    dryRun?: boolean;
  }

  /** What is answered of one record. */
  export interface GetQuery<N extends TypeName, S> {
    select?: S & CheckedSelection<N, S>;
    params?: FilterParams;
    asOf?: string;
  }

  /** A page of records. */
  export interface PageOf<R> {
    items: R[];
    /** Where the next page starts; `null` on the last one. */
    next: string | null;
    prev?: string | null;
    count?: { value: number; more: boolean };
  }

  /** What to answer of what has changed. */
  export interface ChangesQuery<N extends TypeName, S> {
    /** The `next` of the last answer. */
    since?: string;
    limit?: number;
    select?: S & CheckedSelection<N, S>;
    params?: FilterParams;
  }

  /** What has changed, as far as the caller sees it. */
  export interface ChangesOf<N extends TypeName, R> {
    /** Records as they are now. */
    items: R[];
    /** Records that were moved to the trash. */
    removed: { id: IdOf<N>; version: number }[];
    /** What to ask for next with `since`. */
    next: string;
    /** Whether there is more to ask for at once. */
    more: boolean;
  }

  /** How a write is made. */
  export interface WriteOptions {
    /** Makes repetitions safe: the server carries out one request with this key, and repeats its answer. */
    idempotencyKey?: string;
  }
  /** What a write answers of the record, as in a `get`. */
  export interface Shown<N extends TypeName, S> {
    select?: S & CheckedSelection<N, S>;
    params?: FilterParams;
  }
  export interface UpsertOptions<N extends TypeName> extends WriteOptions {
    /** The unique key. */
    onConflict: Types[N]["onConflict"];
  }
  export interface ChangeOptions extends WriteOptions {
    /** The version that the record must have. */
    ifMatch?: number;
  }
  export interface ReplaceOptions extends ChangeOptions {
    /** Only creates the record. */
    ifNoneMatch?: "*";
  }

  /** How many records matched, and how many of them were changed. */
  export interface MatchCount {
    matched: number;
    changed: number;
    /** Which they are, if the query has `sort`. */
    ids?: (string | number)[];
  }

  /** What became of a record that is created or changed. */
  export interface UpsertOutcome<N extends TypeName, S = AllStored> {
    outcome: "created" | "updated" | "unchanged";
    record: Answered<N, S> | null;
  }

  /** A change in the history of a record. */
  export interface HistoryEntry {
    version: number;
    at: string;
    action: string;
    by: { kind: string; id?: string };
    changes: { [field: string]: { old?: unknown; new: unknown } };
  }

  /** A request that `transact` makes: what the methods of `db.later` return. */
  export interface LaterRequest<R> {
    readonly request: { [member: string]: unknown };
    /** The type of its answer; there is no such member. */
    readonly answers?: R;
    /** Whether an answer with nothing but an id stands for a record that the caller may not read. */
    readonly hides?: boolean;
    /** The same with a name, by which `ref` finds its result in later requests. */
    as(name: string): LaterRequest<R>;
  }

  /** What became of one of several requests that are each made by themselves. */
  export type Attempt<R> =
    | { status: number; body: R; problem?: undefined }
    | { status: number; body?: undefined; problem: ProblemDetails };

  /** A problem as the server writes it. */
  export interface ProblemDetails {
    type: string;
    /** The last part of `type`. */
    code: string;
    title: string;
    status: number;
    detail: string;
    remedy?: string;
    errors?: ProblemPart[];
  }

  /** A record that was written; `null` if the caller may not read it. */
  type WrittenRecord<N extends TypeName, S> = Answered<N, S> | NullIfHidden<N>;

  export interface Lists<N extends TypeName, M extends When> {
    /** One page. */
    list<S extends Selection<N> = AllStored, H extends readonly Types[N]["highlight"][] = []>(
      query?: ListQuery<N, S, H>,
    ): Returned<M, PageOf<Listed<N, S, H>>>;
  }
  export interface Pages<N extends TypeName> {
    /** All pages, one after the other. */
    pages<S extends Selection<N> = AllStored, H extends readonly Types[N]["highlight"][] = []>(
      query?: ListQuery<N, S, H>,
    ): AsyncGenerator<PageOf<Listed<N, S, H>>, void, void>;
    /** All records; `limit` is that of a page. */
    all<S extends Selection<N> = AllStored, H extends readonly Types[N]["highlight"][] = []>(
      query?: ListQuery<N, S, H>,
    ): AsyncGenerator<Listed<N, S, H>, void, void>;
  }
  export interface Exports<N extends TypeName> {
    /** All records, as they arrive in one response. */
    export<S extends Selection<N> = AllStored>(query?: ExportQuery<N, S>): AsyncGenerator<Answered<N, S>, void, void>;
  }
  export interface Gets<N extends TypeName, M extends When> {
    get<S extends Selection<N> = AllStored>(which: RecordName<N>, query?: GetQuery<N, S>): Returned<M, Answered<N, S>>;
  }
  export interface Finds<N extends TypeName> {
    /** The record, or `null` if there is none that the caller may read. */
    find<S extends Selection<N> = AllStored>(which: RecordName<N>, query?: GetQuery<N, S>): Promise<Answered<N, S> | null>;
  }
  export interface GetsSingle<N extends TypeName> {
    get<S extends Selection<N> = AllStored>(query?: GetQuery<N, S>): Promise<Answered<N, S>>;
  }
  export interface Aggregates<N extends TypeName, M extends When> {
    /** Totals, averages and counts of groups of records. */
    aggregate<G extends readonly GroupBy<N>[] = [], S extends { [name: string]: Fold<N> } = { count: true }>(
      query?: AggregateQuery<N, G, S>,
    ): Returned<M, PageOf<GroupOf<N, G, S>>>;
  }
  export interface Creates<N extends TypeName, M extends When> {
    create<S extends Selection<N> = AllStored>(
      body: Types[N]["create"],
      options?: WriteOptions & Shown<N, S>,
    ): Returned<M, WrittenRecord<N, S>>;
    /** All of them or none. */
    createMany<S extends Selection<N> = AllStored>(
      bodies: readonly Types[N]["create"][],
      options?: WriteOptions & Shown<N, S>,
    ): Returned<M, WrittenRecord<N, S>[]>;
  }
  export interface Upserts<N extends TypeName, M extends When> {
    /** Creates a record, or changes the one with the same unique key. */
    upsert<S extends Selection<N> = AllStored>(
      body: Types[N]["create"],
      options: UpsertOptions<N> & Shown<N, S>,
    ): Returned<M, UpsertOutcome<N, S>>;
    upsertMany<S extends Selection<N> = AllStored>(
      bodies: readonly Types[N]["create"][],
      options: UpsertOptions<N> & Shown<N, S>,
    ): Returned<M, UpsertOutcome<N, S>[]>;
  }
  export interface Updates<N extends TypeName, M extends When> {
    /** Applies a merge patch, which can have operators and children. */
    update<S extends Selection<N> = AllStored>(
      which: RecordName<N>,
      patch: Types[N]["patch"],
      options?: ChangeOptions & Shown<N, S>,
    ): Returned<M, WrittenRecord<N, S>>;
  }
  export interface UpdatesSingle<N extends TypeName> {
    update<S extends Selection<N> = AllStored>(
      patch: Types[N]["patch"],
      options?: ChangeOptions & Shown<N, S>,
    ): Promise<WrittenRecord<N, S>>;
  }
  export interface ReplacesSingle<N extends TypeName> {
    /** Replaces the record: what is left out returns to its default. */
    replace<S extends Selection<N> = AllStored>(
      body: Types[N]["replace"],
      options?: ReplaceOptions & Shown<N, S>,
    ): Promise<WrittenRecord<N, S>>;
  }
  export interface Replaces<N extends TypeName, M extends When> {
    /** Creates the record, or replaces it. */
    replace<S extends Selection<N> = AllStored>(
      which: RecordName<N>,
      body: Types[N]["replace"],
      options?: ReplaceOptions & Shown<N, S>,
    ): Returned<M, WrittenRecord<N, S>>;
  }
  export interface Deletes<N extends TypeName, M extends When> {
    delete(which: RecordName<N>, options?: ChangeOptions): Returned<M, null>;
  }
  export interface UpdatesAll<N extends TypeName, M extends When> {
    /** Changes every record that matches: all of them or none. */
    updateAll(query: ChangeQuery<N>, patch: Types[N]["patch"], options?: WriteOptions): Returned<M, MatchCount>;
  }
  export interface DeletesAll<N extends TypeName, M extends When> {
    deleteAll(query: ChangeQuery<N>, options?: WriteOptions): Returned<M, MatchCount>;
  }
  export interface Follows<N extends TypeName> {
    /** What has changed since the `next` of an earlier answer; without `since`, only a `next` to go on from. */
    changes<S extends Selection<N> = AllStored>(query?: ChangesQuery<N, S>): Promise<ChangesOf<N, Answered<N, S>>>;
  }
  export interface Trashes<N extends TypeName> {
    trash<S extends Selection<N> = AllStored>(query?: Omit<ListQuery<N, S>, "asOf">): Promise<PageOf<Answered<N, S>>>;
  }
  export interface Restores<N extends TypeName, M extends When> {
    restore<S extends Selection<N> = AllStored>(
      id: IdOf<N>,
      patch?: Types[N]["patch"],
      options?: ChangeOptions & Shown<N, S>,
    ): Returned<M, WrittenRecord<N, S>>;
  }
  export interface Purges<N extends TypeName, M extends When> {
    purge(id: IdOf<N>, options?: ChangeOptions): Returned<M, null>;
  }
  export interface Remembers<N extends TypeName, M extends When> {
    history(id: IdOf<N>, query?: { limit?: number; after?: string }): Returned<M, PageOf<HistoryEntry>>;
  }

  /** When a request of a function is made: at once, or at the commit of its block; then the id of a new record can be known before. */
  type When = "now" | "known" | "counted" | "queued";
  type Returned<M extends When, R> = Promise<
    M extends "now" ? R : M extends "known" ? Known<R, string> : M extends "counted" ? Known<R, number> : Queued<R>
  >;
  /** What is known of new records before they are written. */
  type Known<R, I> = R extends readonly unknown[] ? { id: I }[] : { id: I };
  /** What is known of a write before it is carried out: the id of the record if it was named by that, otherwise `null`. */
  type Queued<R> = [R] extends [null]
    ? null
    : R extends readonly unknown[]
    ? ({ id: string } | null)[]
    : { id: string } | null;

  /** What a function gets beside its arguments. */
  export interface FunctionContext {
    /** Requests in the name of the caller: each by itself, or as blocks that are one commit. */
    readonly db: Db;
    /** Who calls. */
    readonly auth: Auth;
    /** Work to be done later. */
    readonly jobs: Jobs;
    /** Lines of the server's log. */
    readonly log: Log;
    /** Mail, made of the templates in `mail/`. */
    readonly mail: Mailer;
    /** Values of the configuration that nobody else may see. */
    readonly secrets: Secrets;
  }

  /** What a hook before a change gets beside it. It reads as the caller, and does nothing else. */
  export interface BeforeContext {
    /** Reads in the name of the caller, which are made again in the commit of the change. */
    readonly db: Readings;
    /** Who makes the change. */
    readonly auth: Omit<Auth, "signUp" | "signIn" | "signOut" | "changeEmail" | "changePassword">;
    readonly log: Log;
    readonly secrets: Secrets;
  }

  /** The fields of a record as a hook sees them. What no client sends has no value yet. */
  export type Proposed<N extends TypeName> = {
    readonly [F in Exclude<keyof Types[N]["record"], "createdAt" | "updatedAt" | "version">]: F extends
      | "id"
      | keyof Types[N]["create"]
      ? Types[N]["record"][F]
      : Types[N]["record"][F] | null;
  };

  /** A change of a record that is about to be made. */
  export type Change<N extends TypeName, E extends "CREATE" | "UPDATE" | "DELETE"> = E extends "DELETE"
    ? { readonly event: "DELETE"; readonly stored: Readonly<Types[N]["record"]>; readonly proposed: null; readonly sent: null }
    : {
        readonly event: E;
        /** The record as it is; `null` of a new one. */
        readonly stored: E extends "CREATE" ? null : Readonly<Types[N]["record"]>;
        /** The record as it would be. */
        readonly proposed: Proposed<N>;
        /** What was sent for it. */
        readonly sent: Partial<Proposed<N>>;
      };

  /** Values that a hook returns: exact ones, too. */
  type Returning<T> = T extends { amount: string; currency: string } ? T | Money : T extends string ? T | Decimal : T;

  /** The fields that get other values; nothing, and the change is made as it is. */
  export type Changes<N extends TypeName> = {
    [F in Exclude<keyof Types[N]["record"], "id" | "createdAt" | "updatedAt" | "version">]?: Returning<Types[N]["record"][F]>;
  };

  /**
   * A function that `@on(phase: BEFORE)` names. It returns the fields that get other values, or throws `Refused`, and may run several
   * times for one change.
   */
  export type BeforeHook<N extends TypeName, E extends "CREATE" | "UPDATE" | "DELETE" = "CREATE" | "UPDATE"> = (
    change: Change<N, E>,
    context: BeforeContext,
  ) => E extends "DELETE" ? void | Promise<void> : Changes<N> | void | Promise<Changes<N> | void>;

  /** Values of the configuration that nobody else may see. */
  export interface Secrets {
    /** The value; an error if there is none. */
    get(name: string): string;
    has(name: string): boolean;
  }

  /** Work to be done later, by actions with `@job`. */
  export interface Jobs {
    /**
     * Queues a job, in the commit of the transaction that is open, or by itself. Answers its id; null with `unique`, because another
     * unfinished job may have that key: then none is added.
     */
    add<J extends keyof JobInputs>(
      job: J,
      ...more: {} extends JobInputs[J] ? [input?: JobInputs[J], terms?: JobTerms] : [input: JobInputs[J], terms?: JobTerms]
    ): Promise<string | null>;
    /**
     * Keeps how far the job is that runs, for `backstay job show`: what part of it is done, 0 to 1, and what it is at. Throws if the job
     * was cancelled.
     */
    report(done: number, note?: string): Promise<void>;
  }

  /** When, how urgently and how often a job is tried. */
  export interface JobTerms {
    /** When it is due. */
    at?: Date | string;
    /** Seconds until it is due. */
    delay?: number;
    /** Jobs that are more urgent run first. */
    priority?: "HIGH" | "NORMAL" | "LOW";
    /** What only one unfinished job of its name has. */
    unique?: string;
    /** The jobs of a series run one after the other, as they were queued. */
    series?: string;
    /** How often it is tried. */
    attempts?: number;
  }

  /** Mail, made of the templates in `mail/`. */
  export interface Mailer {
    /**
     * Queues a mail, in the commit of the transaction that is open, or by itself. Answers the id of its job, which sends it once that
     * commit is durable.
     */
    send<T extends keyof MailTemplates>(mail: OutgoingMail<T>): Promise<string>;
  }

  /** A mail to one address. */
  export type OutgoingMail<T extends keyof MailTemplates> = {
    /** Such as `ann@example.org`, or `Ann <ann@example.org>`. */
    to: string;
    template: T;
    /** The language of whoever gets it, such as `de-CH`; without one, the language of the settings. */
    language?: string | null;
  } & ({} extends MailTemplates[T] ? { values?: MailTemplates[T] } : { values: MailTemplates[T] });

  /** Who calls a function. */
  export interface Auth {
    readonly kind: "ANONYMOUS" | "ACCOUNT" | "SERVICE" | "OPERATOR" | "SYSTEM";
    readonly id: string | null;
    readonly roles: readonly string[];
    readonly claims: { readonly [name: string]: string };
    readonly verified: boolean;
    /** The actions that run, the outermost first. */
    readonly via: readonly string[];
    /** Makes an account from its fields, with a password, and begins a session, as `POST /auth/sign-up` does. */
    signUp(account: { email: string; password: string; invitation?: string; [field: string]: unknown }): Promise<SignedIn>;
    /** Begins a session, as `POST /auth/sign-in` does. */
    signIn(credentials: { email: string; password: string }): Promise<SignedIn>;
    /** Ends the session of the caller. */
    signOut(): Promise<null>;
    /** Changes the address with which the caller signs in. */
    changeEmail(change: { email: string; password: string }): Promise<any>;
    /** Changes the password of the caller, and begins another session: all others end. */
    changePassword(change: { current: string; password: string }): Promise<SignedIn>;
  }

  /** A session that has begun. */
  export interface SignedIn {
    readonly token: string;
    readonly account: any;
    readonly expiresAt: string;
  }

  /** Lines of the server's log. */
  export interface Log {
    debug(...parts: unknown[]): void;
    info(...parts: unknown[]): void;
    warn(...parts: unknown[]): void;
    error(...parts: unknown[]): void;
  }

  /** What another server answered, whatever its status. */
  export interface FetchResponse {
    readonly status: number;
    /** Whether the status is one of 200 to 299. */
    readonly ok: boolean;
    readonly headers: {
      get(name: string): string | null;
      has(name: string): boolean;
      entries(): IterableIterator<[string, string]>;
    };
    text(): Promise<string>;
    json(): Promise<any>;
  }
  /** What is asked of another server. */
  export interface FetchOptions {
    method?: string;
    headers?: { [name: string]: string } | [string, string][];
    body?: string;
  }
  /** What a response has besides its body. */
  export interface ResponseOptions {
    status?: number;
    statusText?: string;
    headers?: Headers | { [name: string]: string } | [string, string][];
  }
  /** Bytes. */
  export type Bytes = ArrayBuffer | ArrayBufferView;
  /** The name of a digest. */
  export type HashName = "SHA-256" | "SHA-384" | "SHA-512";
  /** A key of HMAC. */
  export interface HmacKey {
    readonly type: "secret";
    readonly extractable: boolean;
    readonly algorithm: { readonly name: "HMAC"; readonly hash: { readonly name: HashName }; readonly length: number };
    readonly usages: readonly ("sign" | "verify")[];
  }
  global {
    class Headers {
      constructor(init?: Headers | { [name: string]: string } | [string, string][]);
      append(name: string, value: string): void;
      set(name: string, value: string): void;
      delete(name: string): void;
      /** The values, with commas between them. */
      get(name: string): string | null;
      getSetCookie(): string[];
      has(name: string): boolean;
      forEach(run: (value: string, name: string, headers: Headers) => void): void;
      entries(): IterableIterator<[string, string]>;
      keys(): IterableIterator<string>;
      values(): IterableIterator<string>;
      [Symbol.iterator](): IterableIterator<[string, string]>;
    }
    /** A file of a form. */
    class File {
      private constructor();
      readonly name: string;
      readonly type: string;
      readonly size: number;
      bytes(): Promise<Uint8Array>;
      arrayBuffer(): Promise<ArrayBuffer>;
      text(): Promise<string>;
    }
    /** The values of a form, by their names. */
    class FormData {
      append(name: string, value: string | File): void;
      get(name: string): string | File | null;
      getAll(name: string): (string | File)[];
      has(name: string): boolean;
      forEach(run: (value: string | File, name: string, form: FormData) => void): void;
      entries(): IterableIterator<[string, string | File]>;
      keys(): IterableIterator<string>;
      values(): IterableIterator<string | File>;
      [Symbol.iterator](): IterableIterator<[string, string | File]>;
    }
    /** What a route is asked, and an inbox is sent. */
    class Request {
      private constructor();
      readonly method: string;
      readonly url: string;
      /** Without credentials: `auth` says who calls. */
      readonly headers: Headers;
      /** The parameters of the path. */
      readonly params: { readonly [name: string]: string };
      /** The token that the client sends in `Authorization`, of a route with `token: true`; else null. */
      readonly token: string | null;
      readonly bodyUsed: boolean;
      text(): Promise<string>;
      json(): Promise<any>;
      bytes(): Promise<Uint8Array>;
      arrayBuffer(): Promise<ArrayBuffer>;
      formData(): Promise<FormData>;
    }
    /** What a route answers. */
    class Response {
      constructor(body?: string | URLSearchParams | Bytes | null, init?: ResponseOptions);
      static json(value: unknown, init?: ResponseOptions): Response;
      static redirect(url: string | URL, status?: 301 | 302 | 303 | 307 | 308): Response;
      readonly status: number;
      readonly ok: boolean;
      readonly headers: Headers;
      readonly bodyUsed: boolean;
      text(): Promise<string>;
      json(): Promise<any>;
      bytes(): Promise<Uint8Array>;
      arrayBuffer(): Promise<ArrayBuffer>;
      formData(): Promise<FormData>;
    }
    /** Calls another server, outside of transactions. A redirect isn't followed. */
    function fetch(url: string | URL, options?: FetchOptions): Promise<FetchResponse>;
    /** A copy of a value and all that it holds. */
    function structuredClone<T>(value: T): T;
    function queueMicrotask(run: () => void): void;
    /** Base64 of a text whose letters stand for bytes. */
    function btoa(text: string): string;
    function atob(base64: string): string;
    var console: {
      debug(...parts: unknown[]): void;
      log(...parts: unknown[]): void;
      info(...parts: unknown[]): void;
      warn(...parts: unknown[]): void;
      error(...parts: unknown[]): void;
      trace(...parts: unknown[]): void;
    };
    var crypto: {
      randomUUID(): string;
      getRandomValues<T extends ArrayBufferView>(array: T): T;
      /** Digests, and signatures with HMAC. */
      readonly subtle: {
        digest(algorithm: HashName | { name: HashName }, data: Bytes): Promise<ArrayBuffer>;
        importKey(
          format: "raw",
          data: Bytes,
          algorithm: { name: "HMAC"; hash: HashName | { name: HashName } },
          extractable: boolean,
          usages: readonly ("sign" | "verify")[],
        ): Promise<HmacKey>;
        sign(algorithm: "HMAC" | { name: "HMAC" }, key: HmacKey, data: Bytes): Promise<ArrayBuffer>;
        verify(algorithm: "HMAC" | { name: "HMAC" }, key: HmacKey, signature: Bytes, data: Bytes): Promise<boolean>;
      };
    };
    class TextEncoder {
      readonly encoding: "utf-8";
      encode(text?: string): Uint8Array;
    }
    /** Reads UTF-8. */
    class TextDecoder {
      constructor(label?: string, options?: { fatal?: boolean; ignoreBOM?: boolean });
      readonly encoding: "utf-8";
      decode(bytes?: Bytes): string;
    }
    class URL {
      constructor(url: string | URL, base?: string | URL);
      static canParse(url: string | URL, base?: string | URL): boolean;
      static parse(url: string | URL, base?: string | URL): URL | null;
      href: string;
      readonly origin: string;
      protocol: string;
      username: string;
      password: string;
      host: string;
      hostname: string;
      port: string;
      pathname: string;
      search: string;
      readonly searchParams: URLSearchParams;
      hash: string;
      toString(): string;
      toJSON(): string;
    }
    /** A part of the standard: moments, days and lengths of time. They have no operators. */
    namespace Temporal {
      type Unit = "years" | "months" | "weeks" | "days" | "hours" | "minutes" | "seconds";
      type Length = Duration | string | { [unit in Unit | "milliseconds" | "microseconds" | "nanoseconds"]?: number };
      interface Largest {
        largestUnit?: Unit | "year" | "month" | "week" | "day" | "hour" | "minute" | "second" | "auto";
      }
      interface Measured<T> {
        add(length: Length): T;
        subtract(length: Length): T;
        until(other: T | string, options?: Largest): Duration;
        since(other: T | string, options?: Largest): Duration;
        equals(other: T | string): boolean;
        toString(): string;
        toJSON(): string;
        valueOf(): never;
      }
      interface Kind<T> {
        from(value: T | string): T;
        compare(one: T | string, other: T | string): -1 | 0 | 1;
      }
      interface Instant extends Measured<Instant> {
        readonly epochMilliseconds: number;
        toZonedDateTimeISO(timeZone: string): ZonedDateTime;
      }
      const Instant: Kind<Instant> & { fromEpochMilliseconds(milliseconds: number): Instant };
      interface PlainDate extends Measured<PlainDate> {
        readonly year: number;
        readonly month: number;
        readonly day: number;
        readonly dayOfWeek: number;
        readonly dayOfYear: number;
        readonly daysInMonth: number;
        readonly inLeapYear: boolean;
        with(fields: { year?: number; month?: number; day?: number }): PlainDate;
        toZonedDateTime(timeZone: string): ZonedDateTime;
      }
      const PlainDate: Kind<PlainDate>;
      interface ZonedDateTime extends Measured<ZonedDateTime> {
        readonly year: number;
        readonly month: number;
        readonly day: number;
        readonly hour: number;
        readonly minute: number;
        readonly second: number;
        readonly millisecond: number;
        readonly dayOfWeek: number;
        readonly timeZoneId: string;
        readonly offset: string;
        readonly epochMilliseconds: number;
        startOfDay(): ZonedDateTime;
        withTimeZone(timeZone: string): ZonedDateTime;
        toInstant(): Instant;
        toPlainDate(): PlainDate;
      }
      const ZonedDateTime: Kind<ZonedDateTime>;
      interface Duration {
        readonly years: number;
        readonly months: number;
        readonly weeks: number;
        readonly days: number;
        readonly hours: number;
        readonly minutes: number;
        readonly seconds: number;
        readonly milliseconds: number;
        readonly microseconds: number;
        readonly nanoseconds: number;
        readonly sign: -1 | 0 | 1;
        readonly blank: boolean;
        negated(): Duration;
        abs(): Duration;
        toString(): string;
        toJSON(): string;
        valueOf(): never;
      }
      const Duration: { from(value: Length): Duration };
      const Now: {
        instant(): Instant;
        zonedDateTimeISO(timeZone: string): ZonedDateTime;
        plainDateISO(timeZone: string): PlainDate;
      };
    }
    class URLSearchParams {
      constructor(init?: string | { [name: string]: string } | Iterable<readonly [string, string]>);
      readonly size: number;
      append(name: string, value: string): void;
      delete(name: string, value?: string): void;
      get(name: string): string | null;
      getAll(name: string): string[];
      has(name: string, value?: string): boolean;
      set(name: string, value: string): void;
      sort(): void;
      forEach(run: (value: string, name: string, params: URLSearchParams) => void): void;
      keys(): IterableIterator<string>;
      values(): IterableIterator<string>;
      entries(): IterableIterator<[string, string]>;
      [Symbol.iterator](): IterableIterator<[string, string]>;
      toString(): string;
    }
  }

  /** Refuses the call, or the change before which it runs: the caller sees the message and the code. */
  export class Refused extends Error {
    /** `code` is for programs, such as `sold-out`; `field` is the field that a hook before a change refuses. */
    constructor(message: string, options?: { code?: string; field?: string });
    readonly code?: string;
    readonly field?: string;
  }

  /** One thing that is wrong with a request. */
  export interface ProblemPart {
    readonly at: string;
    readonly message: string;
  }

  /** Why a request of `db` was refused. */
  export class Problem extends Error {
    private constructor();
    /** Such as `not-found`; it never changes. */
    readonly code: string;
    /** The code of a `Refused`, such as `sold-out`. */
    readonly reason?: string | null;
    readonly errors: readonly ProblemPart[];
  }

  /** How a result is rounded that has too many decimals. */
  export type Rounding = "HALF_EVEN" | "HALF_UP" | "HALF_DOWN" | "UP" | "DOWN" | "CEILING" | "FLOOR";
  /** A number of a computation: exact, so a fraction is written as a string. */
  export type Exact = Decimal | string | bigint | number;

  /** An exact decimal number. */
  export class Decimal {
    /** A fraction is written as a string: `new Decimal("12.50")`. */
    constructor(value: Exact);
    /** How many decimals it has. */
    readonly decimals: number;
    plus(other: Exact): Decimal;
    minus(other: Exact): Decimal;
    times(other: Exact): Decimal;
    /** Divides, and rounds to as many decimals as this number has. */
    div(other: Exact, mode: Rounding, decimals?: number): Decimal;
    round(decimals: number, mode?: Rounding): Decimal;
    negated(): Decimal;
    abs(): Decimal;
    compare(other: Exact): -1 | 0 | 1;
    equals(other: Exact): boolean;
    isLess(other: Exact): boolean;
    isMore(other: Exact): boolean;
    isZero(): boolean;
    isNegative(): boolean;
    /** Shares of it in proportion to these weights, which add up to it: what is left goes to the first ones, a unit each. */
    allocate(weights: readonly Exact[]): Decimal[];
    toString(): string;
    toJSON(): string;
    /** It has no operators. */
    valueOf(): never;
  }

  /** An exact amount in a currency. */
  export class Money {
    constructor(amount: Exact, currency: string);
    /** An amount as records have it. */
    static from(value: { readonly amount: Exact; readonly currency: string }): Money;
    readonly amount: Decimal;
    readonly currency: string;
    plus(other: Money): Money;
    minus(other: Money): Money;
    /** A factor with a fraction needs a rounding, to as many decimals as the amount has. */
    times(factor: Exact, mode?: Rounding): Money;
    /** Divides, and rounds to as many decimals as the amount has. */
    div(divisor: Exact, mode: Rounding): Money;
    /** Shares of it in proportion to these weights, which add up to it: what is left goes to the first ones, a unit each. */
    allocate(weights: readonly Exact[]): Money[];
    negated(): Money;
    compare(other: Money): -1 | 0 | 1;
    equals(other: Money): boolean;
    isLess(other: Money): boolean;
    isMore(other: Money): boolean;
    isZero(): boolean;
    isNegative(): boolean;
    toString(): string;
    toJSON(): { amount: string; currency: string };
    /** It has no operators. */
    valueOf(): never;
  }
}

/** What tests import from "backstay/test". */
declare module "backstay/test" {
  import type { Db, Problem } from "backstay";

  /** What a test gets. */
  export interface TestContext {
    /** Requests that no access rule stops, to make what the test needs and to look at what became of it. */
    readonly db: TestDb;
    /** In the name of an account: its record, its id or its email address; with `null`, of somebody who hasn't signed in. */
    as(who: { readonly id: string } | string | null, options?: { roles?: readonly string[] }): Acting;
    readonly clock: TestClock;
    readonly fetches: TestFetches;
    /** The jobs that were queued so far, the oldest first; `clock.advance` runs those that are due. */
    readonly jobs: { list(): Promise<TestJob[]> };
    /** The mail that was sent so far. Nothing that a test sends leaves it; `clock.advance` sends what is queued. */
    mails(): Promise<TestMail[]>;
  }

  /** A job of the application that is tested. */
  export interface TestJob {
    readonly id: string;
    readonly job: string;
    readonly state: "WAITING" | "RUNNING" | "DONE" | "DEAD" | "CANCELLED";
    readonly input: any;
    readonly result: any;
    readonly error: string | null;
    readonly attempts: number;
    /** When it is due; null behind another job of its series, and once it has ended. */
    readonly dueAt: string | null;
    /** What part of it is done, and what it is at, as it has reported. */
    readonly done: number | null;
    readonly note: string | null;
  }

  /** A mail that a test has sent. */
  export interface TestMail {
    readonly to: string;
    readonly subject: string;
    readonly text: string;
    readonly html: string | null;
    readonly language: string;
  }

  /** Requests and calls of somebody. */
  export interface Acting {
    readonly db: Omit<Db, "transaction">;
    /** Calls an action of the model, as a client does. */
    call(action: string, args?: object): Promise<any>;
    /** Sends a request over HTTP to the application, such as one for a route. Redirects aren't followed. */
    fetch(path: string, init?: TestRequest): Promise<Response>;
  }

  /** A request over HTTP: `GET` without a body, unless it says something else. */
  export interface TestRequest {
    method?: string;
    headers?: { [name: string]: string } | [string, string][];
    body?: string;
    /** The body, as JSON. */
    json?: unknown;
  }

  /** Requests that access rules would refuse to everyone have no types of their own: they take and return anything. */
  export type TestDb = {
    readonly [path in Exclude<keyof Db, "transaction">]: Db[path] & Omit<AnyRequests, keyof Db[path]>;
  } & { readonly [path in HiddenPath]: AnyRequests };

  interface AnyRequests {
    list(query?: any): Promise<any>;
    pages(query?: any): AsyncIterableIterator<any>;
    all(query?: any): AsyncIterableIterator<any>;
    get(which?: any, query?: any): Promise<any>;
    find(which: any, query?: any): Promise<any>;
    aggregate(query: any): Promise<any>;
    create(body: any, options?: any): Promise<any>;
    createMany(bodies: any[], options?: any): Promise<any>;
    upsert(body: any, options: any): Promise<any>;
    upsertMany(bodies: any[], options: any): Promise<any>;
    update(which: any, body: any, options?: any): Promise<any>;
    replace(which: any, body: any, options?: any): Promise<any>;
    delete(which: any, options?: any): Promise<null>;
    updateAll(query: any, body?: any): Promise<any>;
    deleteAll(query: any): Promise<any>;
    restore(which: any, body?: any, options?: any): Promise<any>;
    purge(which: any, options?: any): Promise<null>;
    history(which: any, query?: any): Promise<any>;
  }

  /** The time as the application sees it. */
  export interface TestClock {
    now(): Date;
    /** Moves it forward, by `90s`, `36h` or `PT1H30M`, and does what is due until then. */
    advance(duration: string): Promise<void>;
  }

  /** What functions get from `fetch`: tests call no servers. */
  export interface TestFetches {
    /**
     * What `fetch` gets for a method and a URL, such as `POST https://pay.example/charges`. Several answers are given one after the
     * other, the last one again and again.
     */
    answer(request: string, answer?: TestAnswer): Promise<void>;
    /** What functions have sent, in that order; names of headers are in small letters. */
    sent(): Promise<{ method: string; url: string; headers: { [name: string]: string }; body: string }[]>;
  }

  /** An answer: 200 without a body, unless it says something else. */
  export interface TestAnswer {
    status?: number;
    headers?: { [name: string]: string };
    body?: string;
    /** The body, as JSON. */
    json?: unknown;
  }

  /** Declares a test, which has an application of its own. */
  export function test(name: string, run: (context: TestContext) => void | Promise<void>): void;
  /** Fails the test unless this is true. */
  export function assert(value: unknown, message?: string): asserts value;
  /** Says what a value is expected to be. */
  export function expect(value: unknown): Matchers<void> & {
    readonly not: Matchers<void>;
    readonly resolves: Matchers<Promise<void>>;
    readonly rejects: Matchers<Promise<void>>;
  };

  export interface Matchers<R> {
    /** The same value. */
    toBe(expected: unknown): R;
    /** The same in all that it holds. */
    toEqual(expected: unknown): R;
    /** The same in all that the expected value holds. */
    toMatchObject(expected: object): R;
    toBeNull(): R;
    toBeUndefined(): R;
    toBeDefined(): R;
    toBeTruthy(): R;
    toBeFalsy(): R;
    toBeGreaterThan(expected: number | bigint): R;
    toBeGreaterThanOrEqual(expected: number | bigint): R;
    toBeLessThan(expected: number | bigint): R;
    toBeLessThanOrEqual(expected: number | bigint): R;
    toBeInstanceOf(expected: abstract new (...given: any[]) => unknown): R;
    toContain(expected: unknown): R;
    toHaveLength(expected: number): R;
    toMatch(expected: string | RegExp): R;
    /** An error: with this word in its message, this code or reason, this pattern, or of this class. */
    toThrow(expected?: string | RegExp | (abstract new (...given: any[]) => unknown)): R;
  }
  export { Problem };
  /** Collections of which nobody may read records. */
  type HiddenPath = never;
}
