import { Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import {
  CollectionModificationEvent,
  EventBus,
  type ID,
  type JobQueue,
  JobQueueService,
  Logger,
  ProcessContext,
  Product,
  ProductChannelEvent,
  ProductEvent,
  ProductService,
  ProductVariant,
  ProductVariantChannelEvent,
  ProductVariantEvent,
  RequestContextService,
  StockMovementEvent,
  TransactionalConnection,
} from '@vendure/core';
import { bufferTime, filter, map, merge, type Observable, type Subscription } from 'rxjs';
import { In, IsNull } from 'typeorm';
import { ProductMapper } from './product-mapper';
import { SimiliService } from './simili-service';

/** Products in one job, and in one call. */
const BATCH = 100;
/** Changes within as many milliseconds go together. */
const TOGETHER = 200;
/** Vendure's own queue tries once a second: for a day. */
const RETRIES = 24 * 60 * 60;

type Changes = { products?: ID[]; variants?: ID[] };

/**
 * Products on their way to Simili. What changes about one becomes a job of the shop's own queue, which reads it anew and is tried again while Simili is away;
 * at each start of the server all products go once more (Simili takes what it has for unchanged).
 */
@Injectable()
export class ProductSync implements OnApplicationBootstrap, OnModuleDestroy {
  private queue!: JobQueue<{ ids: ID[] }>;
  private listening?: Subscription;

  constructor(
    private events: EventBus,
    private jobs: JobQueueService,
    private process: ProcessContext,
    private contexts: RequestContextService,
    private connection: TransactionalConnection,
    private products: ProductService,
    private mapper: ProductMapper,
    private simili: SimiliService,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    this.queue = await this.jobs.createQueue({ name: 'simili', process: ({ data }) => this.send(data.ids) });
    // Changes made by jobs are told in the worker, all others in the server: both listen.
    this.listening = this.changes().subscribe(
      (changes) => void this.add(changes).catch((error) => Logger.error(String(error), 'SimiliPlugin')),
    );
    if (this.process.isServer) await this.addAll();
  }

  onModuleDestroy(): void {
    this.listening?.unsubscribe();
  }

  /** Whatever may have changed what Simili is told of a product, the changes of a moment together. */
  private changes(): Observable<Changes[]> {
    const { events } = this;
    return merge(
      events.ofType(ProductEvent).pipe(map(({ entity }) => ({ products: [entity.id] }))),
      events.ofType(ProductChannelEvent).pipe(map(({ product }) => ({ products: [product.id] }))),
      events.ofType(ProductVariantEvent).pipe(map(({ entity }) => ({ variants: entity.map(({ id }) => id) }))),
      events.ofType(ProductVariantChannelEvent).pipe(map(({ productVariant }) => ({ variants: [productVariant.id] }))),
      events
        .ofType(StockMovementEvent)
        .pipe(
          map(({ stockMovements }) => ({ variants: stockMovements.map(({ productVariant }) => productVariant.id) })),
        ),
      events
        .ofType(CollectionModificationEvent)
        .pipe(map(({ productVariantIds }) => ({ variants: productVariantIds }))),
    ).pipe(
      bufferTime(TOGETHER),
      filter((changes) => changes.length > 0),
    );
  }

  private async add(changes: Changes[]): Promise<void> {
    const ids = changes.flatMap(({ products = [] }) => products);
    const variants = this.connection.rawConnection.getRepository(ProductVariant);
    for (const batch of inBatches(changes.flatMap(({ variants = [] }) => variants))) {
      const found = await variants.find({ select: ['id', 'productId'], where: { id: In(batch) } });
      ids.push(...found.map(({ productId }) => productId));
    }
    for (const batch of inBatches([...new Set(ids)])) await this.queue.add({ ids: batch }, { retries: RETRIES });
  }

  private async addAll(): Promise<void> {
    const products = this.connection.rawConnection.getRepository(Product);
    const all = await products.find({ select: ['id'], where: { deletedAt: IsNull() } });
    await this.add([{ products: all.map(({ id }) => id) }]);
  }

  /** Sends products as they are now; what is not for sale any more is removed. */
  private async send(ids: ID[]): Promise<void> {
    const ctx = await this.contexts.create({ apiType: 'admin' }); // of the default channel, which has all products
    const there: Product[] = (await this.products.findByIds(ctx, ids)).filter(({ enabled }) => enabled);
    const known = new Set(there.map(({ id }) => id));
    const products = [];
    for (const product of there) products.push(await this.mapper.map(ctx, product));
    await this.simili.upsert(products);
    await this.simili.remove(ids.filter((id) => !known.has(id)).map((id) => this.mapper.idOf(id)));
  }
}

const inBatches = <T>(all: T[]): T[][] =>
  Array.from({ length: Math.ceil(all.length / BATCH) }, (_, i) => all.slice(i * BATCH, (i + 1) * BATCH));
