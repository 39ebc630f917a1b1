/** One person who picks, packs and ships an order by the floor's own commands. */
import { randomUUID } from 'node:crypto';
import { claimNextTask, type FloorKind } from '../../commands/floor/claim-next-task';
import { closeCarton } from '../../commands/floor/close-carton';
import { scanPack } from '../../commands/floor/scan-pack';
import { scanPick } from '../../commands/floor/scan-pick';
import { shipScan } from '../../commands/floor/ship-scan';
import type { PackedAnswer } from '../../workflows/order/order.messages';
import { packedUpdate } from '../../workflows/order/order.messages';
import { eventually, type TestEngine } from './engine';
import type { SeededMerchant } from './merchant';

export class FloorPerson {
  private readonly caller;

  constructor(
    private readonly engine: TestEngine,
    private readonly merchant: SeededMerchant,
  ) {
    const personId = merchant.personIds[0];
    if (personId === undefined) throw new Error('the merchant was seeded without persons');
    this.caller = { merchantIds: [merchant.merchantId], personId };
  }

  private claim(kind: FloorKind) {
    const warehouseId = this.merchant.warehouses[0]?.id as string;
    return eventually(
      () =>
        claimNextTask(this.engine.database, this.caller, {
          warehouseId,
          kinds: [kind],
          eventId: randomUUID(),
        }),
      `there is a ${kind} task`,
    );
  }

  /** Picks everything of the next pick task. */
  async pick(): Promise<void> {
    const task = await this.claim('pick');
    for (const line of task.lines) {
      await scanPick(this.engine.database, this.caller, {
        taskId: task.taskId,
        eventId: randomUUID(),
        code: line.sku,
        locationCode: line.locationCode as string,
        quantity: line.quantity,
      });
    }
  }

  /** Packs everything of the next pack task into one carton and asks for its label. */
  async pack(): Promise<{ readonly parcelId: string; readonly answer: PackedAnswer }> {
    const task = await this.claim('pack');
    for (const line of task.lines) {
      const what = { code: line.sku, quantity: line.quantity };
      await scanPack(this.engine.database, this.caller, {
        taskId: task.taskId,
        eventId: randomUUID(),
        ...what,
      });
    }
    const closed = await closeCarton(this.engine.database, this.caller, {
      taskId: task.taskId,
      eventId: randomUUID(),
      cartonCode: this.merchant.cartonCode,
      weightGrams: 700,
    });
    const handle = this.engine.client.workflow.getHandle(closed.workflowId);
    const answer = await handle.executeUpdate(packedUpdate, {
      updateId: closed.updateId,
      args: [{ fulfilmentOrderId: closed.fulfilmentOrderId, parcelId: closed.parcelId }],
    });
    return { parcelId: closed.parcelId, answer };
  }

  async ship(parcelId: string) {
    await this.claim('ship');
    return shipScan(this.engine.database, this.caller, { parcel: { id: parcelId }, eventId: randomUUID() });
  }
}
